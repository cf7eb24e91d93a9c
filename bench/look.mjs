// `node bench/look.mjs [LOOKS]`: the cost of one look at a node with one pod and with fifty. The time is that of the
// complete look: the work of the agent, the transfer of its answer, and reading it.
import { performance } from 'node:perf_hooks';

import { bundleLibrary } from '../scripts/library.mjs';
import { median } from './measure.mjs';
import { describeHost, printTable, row } from './table.mjs';

await bundleLibrary();
const { RuntimeNode } = await import('../dist/index.mjs');
const count = Number(process.argv[2] ?? 100);

const net = {
  cniVersion: '1.0.0',
  name: 'net',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      ipam: { type: 'host-local', subnet: '10.88.0.0/16' },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

async function looksAt(node) {
  await node.leftBehind(); // the first look opens connections that later ones reuse
  const taken = [];
  for (let i = 0; i < count; i++) {
    const startedMs = performance.now();
    await node.leftBehind();
    taken.push(performance.now() - startedMs);
  }
  return taken;
}

console.log(describeHost());
const node = await new RuntimeNode()
  .withContainerd('1.6.4')
  .withBackend('bare')
  .withCniPlugins('1.1.1')
  .withCniConfig(net)
  .start();
try {
  await node.runPod();
  const one = await looksAt(node);
  for (let i = 1; i < 50; i++) await node.runPod({ hostPorts: [{ hostPort: 8000 + i, containerPort: 80 }] });
  const fifty = await looksAt(node);
  printTable([
    ['', 'min', 'median', 'max', 'times'],
    row('one look, one pod', one),
    row('one look, fifty pods', fifty),
  ]);
  console.log(`medians ${median(one).toFixed(1)} and ${median(fifty).toFixed(1)} ms`);
} finally {
  await node.end();
}

// `node bench/look.mjs [LOOKS]`: what one look at a node costs, on a node with one pod and on one with fifty.
// The time is that of the lab's whole look: the agent's work, its answer on the way here, and the reading of it.
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
  await node.leftBehind(); // the first opens what later ones have open
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

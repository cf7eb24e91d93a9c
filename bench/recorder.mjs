// node bench/recorder.mjs [PAIRS]
// The cost of the recorder of plugin calls: the life of one pod on a bare node, with and without recording, in pairs.
// Measures the crictl commands of each run, because the rest is work of the lab, and also the complete command, as a
// user waits for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { median, medianRatio, pairs, timed } from './measure.mjs';
import { newestSession, observed } from './recorded.mjs';

const count = Number(process.argv[2] ?? 25);
const root = fileURLToPath(new URL('..', import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), 'cnilab-bench-recorder-'));
writeFileSync(
  join(cwd, 'life.yaml'),
  `name: life
summary: One pod's life
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      plugins:
        - { type: bridge, bridge: cni0, isGateway: true, ipMasq: true, ipam: { type: host-local, subnet: 10.88.0.0/16 } }
        - { type: portmap, capabilities: { portMappings: true } }
steps: [{ run-pod: web }, { stop-pod: web }, { remove-pod: web }]
`,
);
const life = (flag) => async () => {
  const { wallMs } = await timed([process.execPath, join(root, 'bin/cnilab.cjs'), 'run', 'life.yaml', flag], {
    cwd,
  });
  const [run] = newestSession(cwd);
  const commands = observed(run, 'command').filter(({ result }) => result.argv[0] === 'crictl');
  return {
    wallMs,
    podMs: commands.reduce((sum, { result }) => sum + result.durationMs, 0),
    calls: observed(run, 'cni-call-ended').length,
  };
};
try {
  const { a: recorded, b: plain } = await pairs(count, life('--record'), life('--no-record'));
  const of = (what) => ({ a: recorded.map((one) => one[what]), b: plain.map((one) => one[what]) });
  for (const [what, name] of [
    ['podMs', 'commands of crictl'],
    ['wallMs', 'the whole run'],
  ]) {
    const { a, b } = of(what);
    const each = median(a.map((value, i) => value - b[i])) / median(of('calls').a);
    const more = ((medianRatio({ a, b }) - 1) * 100).toFixed(1);
    console.log(
      `${name}: ${median(a).toFixed(0)} ms recorded, ${median(b).toFixed(0)} ms not; median of ${count} pairs ${more} %, ${each.toFixed(1)} ms a call`,
    );
  }
} finally {
  rmSync(cwd, { recursive: true });
}

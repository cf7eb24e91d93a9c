import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const run = (...args: readonly string[]) => cnilab(['run', ...args], { cwd: folder });

const NODE = `node:
  containerd: \${matrix.containerd}
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      name: net
      plugins:
        - { type: bridge, bridge: cni0, isGateway: true, ipam: { type: host-local, subnet: 10.88.0.0/16 } }
`;

const REPORT = `name: report
summary: What somebody reported, with nothing expected yet # nobody knows
matrix: { containerd: [1.6.2, 1.6.4] }
${NODE}
steps: # as in the report
  - run-pod: web # a pod
  - exec: [sh, -c, 'echo "\${web.id} has \${web.ip}"; echo said >&2; exit 3']
  - { exec: [date, '+%N'] }
  - exec: [echo, '\${web.ip}']

  # it cannot be stopped
  - stop-pod: web
  - remove-pod: web
`;

test('a file with steps and no expectations gets them, then passes, and fails when one is changed', async () => {
  writeFileSync(join(folder, 'report.yaml'), REPORT);
  const updated = await run('report.yaml', '--update', '--yes');
  expect([updated.exitCode, updated.stderr]).toEqual([0, '']);
  const text = read('report.yaml');
  const kept = text.split('\n').filter((line) => REPORT.split('\n').includes(line));
  const nonEmpty = (lines: readonly string[]) => lines.filter((line) => line !== '');
  expect(nonEmpty(kept)).toEqual(nonEmpty(REPORT.split('\n'))); // %N differs each time
  expect(text).toContain(`    expect: { error: said }\n`);
  expect(text).toContain(`    expect: { output: '\${web.ip}' }\n`);
  expect(text).toContain(`      - when: { containerd: '<1.6.4' }
        error: 'failed to destroy network for sandbox "\${web.id}": invalid version "": the version is empty'
        pod: { state: not-ready, ips: [10.88.0.2] }
        left-behind: { netns: 1, netns-mount: 1, veth: 1, bridge-port: 1, ipam: 1, cni-result: 1, sandbox: 1 }
      - when: { containerd: '>=1.6.4' }
        pod: { state: not-ready }
        left-behind: { sandbox: 1 }
`);
  expect((await run('report.yaml')).exitCode).toBe(0);
  const again = await run('report.yaml', '--update');
  expect([again.exitCode, read('report.yaml')]).toEqual([0, text]);
  expect(again.stdout).toContain('every expectation holds; nothing to update');
  for (const [from, to] of [
    ['is empty', 'is empyt'],
    ['ips: [10.88.0.2]', 'ips: [10.88.0.3]'],
    ['left-behind: none', 'left-behind: { ipam: 1 }'],
    ['error: said', 'error: sad'],
  ] as const) {
    writeFileSync(join(folder, 'report.yaml'), text.replace(from, to));
    expect((await run('report.yaml')).exitCode).toBe(1);
  }
});

const GUESSED = `name: guessed
summary: One guess is right, the other wrong
matrix: { containerd: [1.6.4] }
${NODE}
steps:
  - run-pod: web
    expect:
      ok: true # right
      pod: { state: ready, ips: 2 } # wrong
`;

test('correct expectations stay, the diff is shown, and without a terminal only --yes writes', async () => {
  writeFileSync(join(folder, 'guessed.yaml'), GUESSED);
  const shown = await run('guessed.yaml', '--update');
  expect([shown.exitCode, shown.stderr, read('guessed.yaml')]).toEqual([1, '', GUESSED]);
  expect(shown.stdout).toContain(`--- guessed.yaml
+++ guessed.yaml
@@ -14,4 +14,4 @@
   - run-pod: web
     expect:
       ok: true # right
-      pod: { state: ready, ips: 2 } # wrong
+      pod: { state: ready, ips: 1 } # wrong
this is no terminal to ask on; --yes writes without asking
nothing was written
`);
  const updated = await run('guessed.yaml', '--update', '--yes');
  expect(updated.exitCode).toBe(0);
  expect(read('guessed.yaml')).toBe(GUESSED.replace('ips: 2', 'ips: 1'));
});

test('an inconclusive run changes nothing', async () => {
  const text = GUESSED.replace('name: guessed', 'name: unknown').concat('  - exec: [no-such-program]\n');
  writeFileSync(join(folder, 'unknown.yaml'), text);
  const { exitCode, stdout, stderr } = await run('unknown.yaml', '--update', '--yes');
  expect([exitCode, read('unknown.yaml')]).toEqual([1, text]);
  expect(stdout).not.toContain('+++');
  expect(stderr).toBe('cnilab: unknown stays as it is: unknown containerd=1.6.4 is inconclusive\n');
});

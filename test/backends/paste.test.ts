import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Finding } from '../../lab/judge/verdict.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

const SCENARIO = `name: guesses
summary: What was guessed wrong, each on a line of its own
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      plugins:
        - { type: bridge, bridge: cni0, isGateway: true, ipMasq: true, ipam: { type: host-local, subnet: 10.88.0.0/16 } }
steps:
  - run-pod: web
  - create-container: { container: app, pod: web, command: [sleep, '1000'] }
  - start-container: app
    expect:
      left-behind: { netns: [], netns-mount: [], veth: [], bridge-port: [], ipam: [], cni-result: [], iptables: [], mount: [], shim: [], process: [], sandbox: [], container: [] }
  - exec: [sh, -c, 'echo "\${web.id} has \${web.ip}"; date -u +%FT%TZ; printf "\\\\377"']
    expect:
      output: guessed
  - exec: [sh, -c, 'echo "it is \${app.id}" >&2; exit 3']
    expect:
      exit-code: 4
  - exec: [sh, -c, 'echo "it is \${app.id}" >&2; exit 3']
  - stop-pod: web
    expect:
      log: { level: info, message: 'StopPodSandbox for "\${web.id}"' , fields: { error: none } }
  - run-pod: web
  - remove-pod: web
    expect:
      error: guessed
`;

async function run(name: string, text: string) {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'guesses.yaml'), text);
  const ended = await cnilab(['run', `${name}/guesses.yaml`, '--output', `${name}/runs`], { cwd: folder });
  if (!ended.stdout.includes('recorded in')) throw new Error(ended.stdout + ended.stderr);
  const written = readFileSync(join(folder, name, 'runs/latest/guesses/verdict.json'), 'utf8');
  return { ...ended, findings: (JSON.parse(written) as { findings: readonly Finding[] }).findings };
}

test('what a report offers can be pasted unchanged, and then passes', async () => {
  const before = await run('before', SCENARIO);
  const wrong = before.findings.filter(({ outcome }) => outcome !== 'pass');
  expect(before.exitCode).toBe(1);
  const lines = SCENARIO.split('\n');
  for (const { place, paste } of wrong) {
    if (place === undefined || paste === undefined) continue;
    const line = lines[place.line - 1] ?? '';
    const indent = line.slice(0, line.length - line.trimStart().length);
    // a step without `expect` gets one; an existing line is replaced
    lines[place.line - 1] = line.includes('- ') ? `${line}\n    expect: { ${paste} }` : `${indent}${paste}`;
  }
  const pasted = lines.join('\n');
  const after = await run('after', pasted);
  expect([pasted, after.exitCode, after.exitCode === 0 ? '' : after.stdout]).toEqual([pasted, 0, '']);
});

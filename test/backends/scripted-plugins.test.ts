import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const failed = (pod: string, how: string) =>
  `expect: { error: 'failed to setup network for sandbox "\${${pod}.id}": plugin type="mycni" failed (add): ${how}' }`;

/** Each kind of behaviour, and what this containerd does with it. */
const EVERY_BEHAVIOUR = `name: scripted
summary: s
node:
  containerd: 2.4.2
  cni-plugins:
    set: 1.1.1
    mycni:
      fake:
        add: { delegate: bridge, delay: 20ms, stderr: a warning }
        del:
          - { error: { code: 11, msg: Try again later, details: the agent is down } }
          - { delegate-after: bridge }
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      plugins:
        - { type: mycni, bridge: cni0, isGateway: true, ipam: { type: host-local, subnet: 10.88.0.0/16 } }
        - { type: portmap, capabilities: { portMappings: true } }
pods: { web: { host-ports: [{ host: 8080, container: 80 }] } }
steps:
  - run-pod: web
    expect: { ok: true, pod: { state: ready, ips: [10.88.0.2] } }
  - stop-pod: web
    expect:
      error: 'failed to destroy network for sandbox "\${web.id}": plugin type="mycni" failed (delete): Try again later; the agent is down'
  - stop-pod: web
    expect: { ok: true, left-behind: { sandbox: 1 } }
  - remove-pod: web
    expect: { ok: true, left-behind: none }
  - fake-plugin: { plugin: mycni, fake: { add: { result: { ips: [{ address: 10.9.9.9/24 }] } } } }
  - run-pod: result
    expect: { ok: true, pod: { ips: [10.9.9.9] } }
  - fake-plugin: { plugin: mycni, fake: { add: { print: no JSON } } }
  - run-pod: garbage
    ${failed('garbage', "failed to unmarshal raw result: invalid character ''o'' in literal null (expecting ''u'')")}
  - fake-plugin: { plugin: mycni, fake: { add: { print: '' } } }
  - run-pod: nothing
    ${failed('nothing', 'failed to unmarshal raw result: unexpected end of JSON input')}
  - fake-plugin: { plugin: mycni, fake: { others: { exit-code: 3, stderr: no lock } } }
  - run-pod: code
    ${failed('code', 'netplugin failed: "no lock": exit status 3')}
  - fake-plugin: { plugin: mycni, fake: { add: { signal: SIGSEGV } } }
  - run-pod: signal
    ${failed('signal', 'netplugin failed with no error message: signal: segmentation fault')}
  - fake-plugin: { plugin: mycni, fake: { add: { hang: both } } }
  - run-pod: hang
    timeout: 500ms
    expect: { timed-out: true }
`;

test('a scripted plugin does what its script says, and a hanging one ends with the node', async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, 'scripted.yaml'), EVERY_BEHAVIOUR);
  const { exitCode, stdout } = await cnilab(['run', join(folder, 'scripted.yaml')], { cwd: folder });
  expect(stdout).toContain('1 passed');
  expect(exitCode).toBe(0);
  expect(processesOf('cni-fake')).toEqual([]);
  const [session = ''] = readdirSync(join(folder, '.cnilab')).filter((name) => name !== 'latest');
  const journal = readFileSync(join(folder, '.cnilab', session, 'scripted/journal.jsonl'), 'utf8');
  expect(journal).toMatch(/"kind":"artifact","name":"mycni","version":"[0-9a-f]{12}","source":"fake"/);
});

const processesOf = (program: string): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
    } catch {
      return false; // the process has ended
    }
  });

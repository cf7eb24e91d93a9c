import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { CniCallEnded, CniCallStarted } from '../../lab/core/recorded.ts';
import { parseJournal } from '../../lab/observe/journal.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

const CONFLIST = JSON.stringify({
  cniVersion: '1.0.0',
  name: 'net',
  plugins: [
    { type: 'mine' },
    { type: 'bridge', bridge: 'cni0', ipam: { type: 'host-local', subnet: '10.88.0.0/16' } },
  ],
});

/** Runs a scenario with these steps and returns the recorder's part of the journal. */
async function recordOf(name: string, steps: string, { flags = [] as readonly string[] } = {}) {
  const output = join(folder, name);
  mkdirSync(output);
  writeFileSync(
    join(output, `${name}.yaml`),
    `name: ${name}
summary: Plugin calls are recorded
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  record: true
  cni-config: { 10-net.conflist: '${CONFLIST}' }
steps:
  - fake-plugin:
      plugin: mine
      script: |
        #!/bin/sh
        read -r config
        [ $CNI_COMMAND = DEL ] || echo '{ "cniVersion": "1.0.0" }'
${steps}
`,
  );
  const result = await cnilab(['run', join(output, `${name}.yaml`), '--output', output, ...flags]);
  if (result.exitCode === 2) throw new Error(result.stderr);
  const journal = parseJournal(readFileSync(join(output, 'latest', name, 'journal.jsonl'), 'utf8'));
  if (!journal.ok) throw new Error(journal.error);
  return { result, entries: journal.value, calls: callsIn(journal.value) };
}

/** Each call as one line, in the order of the starts: the step, the depth, the verb and plugin, and how it ended. */
function callsIn(entries: readonly JournalEntry[]): readonly string[] {
  const started = entries.filter((entry) => entry.kind === 'cni-call-started');
  const ends = new Map(
    entries.flatMap((entry) => (entry.kind === 'cni-call-ended' ? [[entry.call, entry]] : [])),
  );
  return started.map(({ stepId, call, within, verb, plugin }) => {
    const outer = started.find((one) => one.call === within)?.plugin;
    const end = ends.get(call);
    const how = end === undefined ? 'no end' : (end.signal ?? end.exitCode);
    return `${stepId} ${outer === undefined ? '' : `${outer} > `}${plugin} ${verb} ${how}`;
  });
}

test('every call of a pod is in the journal, delegated calls too, with the step that caused it', async () => {
  const { result, entries, calls } = await recordOf(
    'life',
    `  - run-pod: web
  - stop-pod: web
  - remove-pod: web
  - exec: [/opt/cni/bin/bridge]
expect: { left-behind: none }`,
  );
  expect(result.exitCode, result.stdout).toBe(0);
  const once = calls.filter((call) => /run-pod|stop-pod/.test(call) && !call.includes('loopback'));
  expect(once).toEqual([
    '2-run-pod mine ADD 0',
    '2-run-pod bridge ADD 0',
    '2-run-pod bridge > host-local ADD 0',
    '3-stop-pod bridge DEL 0',
    '3-stop-pod bridge > host-local DEL 0',
    '3-stop-pod mine DEL 0',
  ]);
  expect(calls.filter((call) => call.startsWith('5-exec'))).toEqual(['5-exec bridge  0']);
  const names = entries.flatMap((entry) =>
    entry.kind === 'netns' ? [`${entry.stepId} ${entry.change}`] : [],
  );
  expect(names).toEqual(['2-run-pod appeared', '3-stop-pod disappeared']);

  const bridge = entries.find(
    (entry): entry is JournalEntry & CniCallStarted =>
      entry.kind === 'cni-call-started' && entry.plugin === 'bridge',
  );
  const end = entries.find(
    (entry): entry is JournalEntry & CniCallEnded =>
      entry.kind === 'cni-call-ended' && entry.call === bridge?.call,
  );
  expect(JSON.parse(bridge?.stdin ?? '')).toMatchObject({ type: 'bridge', cniVersion: '1.0.0', name: 'net' });
  expect(bridge?.env).toMatchObject({ CNI_PATH: '/opt/cni/bin', CNI_IFNAME: 'eth0', CNI_COMMAND: 'ADD' });
  expect(bridge?.netns?.inode).toMatch(/^\d+$/);
  expect(bridge?.parent.name).toBe('containerd');
  expect(JSON.parse(end?.stdout ?? '')).toMatchObject({ ips: [{ address: '10.88.0.2/16' }] });
  expect(entries.filter(({ kind }) => kind === 'unrecorded')).toEqual([]);
});

test('a killed plugin, a plugin that replaces another, and one that hangs until the node ends are recorded', async () => {
  const { result, calls } = await recordOf(
    'ends',
    `  - fake-plugin: { plugin: mine, script: "#!/bin/sh\\nkill -KILL $$\\n" }
  - run-pod: killed
    expect: { error: { contains: 'signal: killed', why: 'the words before it differ between versions' } }
  - remove-plugins: [mine]
  - exec: [cp, /opt/cni/bin/loopback, /opt/cni/bin/mine]
  - run-pod: copied
  - exec: [sh, -c, 'printf "#!/bin/sh\\necho \\$CNI_COMMAND > /tmp/runs\\nexec sleep 1000\\n" > /opt/cni/bin/mine && chmod 755 /opt/cni/bin/mine']
  - stop-pod: copied
    timeout: 1s
    expect: { timed-out: true }
  - exec: [sh, -c, 'CNI_COMMAND=CHECK /opt/cni/bin/mine < /dev/null > /dev/null 2>&1 & until grep CHECK /tmp/runs; do sleep 0.01; done']`,
  );
  expect(result.exitCode, result.stdout).toBe(0);
  expect(calls.filter((call) => call.includes(' mine '))).toEqual([
    '3-run-pod mine ADD SIGKILL',
    '3-run-pod mine DEL SIGKILL',
    '6-run-pod mine ADD 0',
    '8-stop-pod mine DEL SIGKILL', // containerd kills it, because its caller has gone
    '9-exec mine CHECK no end',
  ]);
});

test('a flag takes precedence over the file', async () => {
  const { result, calls } = await recordOf('unrecorded', '  - run-pod: web', { flags: ['--no-record'] });
  expect(result.exitCode, result.stdout).toBe(0);
  expect(calls).toEqual([]);
});

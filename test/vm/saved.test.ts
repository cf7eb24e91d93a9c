import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { parseJournal } from '../../lab/observe/journal.ts';
import { cnilab } from '../rig/cnilab.ts';
import { qemuForTests } from '../rig/qemu.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const output = scratchFolder();
const { cacheHostPath } = ambientWorld();
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  env = { CNILAB_QEMU: await qemuForTests() };
});

/** Part of a preparation, so that no earlier run has saved a guest for it. */
const mark = `prepared-once-${process.pid}-${Date.now()}`;

function scenario(steps: readonly string[]): string {
  const path = join(output, 'prepared-once.yaml');
  const conflist = `{ cniVersion: 1.0.0, name: containerd-net, plugins: [{ type: bridge, bridge: cni0, ipam: { type: host-local, ranges: [[{ subnet: 10.88.0.0/16 }]] } }] }`;
  const lines = [
    'name: prepared-once',
    'summary: A node that is prepared once',
    'node:',
    '  containerd: 1.6.4',
    '  cni-plugins: 1.1.1',
    `  cni-config: { 10-net.conflist: ${conflist} }`,
    `  files: { /etc/resolv.conf: "# ${mark}\\n" }`,
    'steps:',
    ...steps.map((step) => `  - ${step}`),
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** Runs it, and returns what its journal has about the node. */
async function runOn(path: string) {
  const { exitCode, stdout, stderr } = await cnilab(['run', path, '--backend', 'vm', '--output', output], {
    env,
  });
  expect({ exitCode, stdout: exitCode === 0 ? '' : stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  const session = join(output, 'latest');
  const [run = ''] = readdirSync(session).filter((entry) =>
    existsSync(join(session, entry, 'journal.jsonl')),
  );
  const journal = parseJournal(readFileSync(join(session, run, 'journal.jsonl'), 'utf8'));
  if (!journal.ok) throw new Error(journal.error);
  const ready = journal.value.find((entry) => entry.kind === 'node-ready');
  return { resumed: ready?.kind === 'node-ready' && ready.runtimeStartedBy === 'node' };
}

test('the second run begins where the first had prepared its node, as a node of its own', async () => {
  const path = scenario([
    `exec: [sh, -c, 'test "$(hostname)" = "$(cat /etc/hostname)" && grep -q " $(hostname)$" /etc/hosts']`,
    `exec: [grep, -q, ${mark}, /etc/resolv.conf]`,
    ...['run-pod: web', 'stop-pod: web', 'remove-pod: web'],
    ...['stop-runtime:', 'start-runtime:', 'kill-runtime:'], // its end is noticed, although another lab started it
  ]);
  expect(await runOn(path)).toEqual({ resumed: false });
  const saved = await until('a saved guest', () => savedGuests()[0]);

  expect(await runOn(path)).toEqual({ resumed: true });

  writeFileSync(saved, 'damaged');
  expect(await runOn(path)).toEqual({ resumed: false });
});

/** The guests that were saved with this test's preparation. */
function savedGuests(): readonly string[] {
  const index = join(cacheHostPath, 'index');
  return readdirSync(index).flatMap((entry) => {
    const text = readFileSync(join(index, entry), 'utf8');
    const key = /"key":"([0-9a-f]+)"/.exec(text)?.[1] ?? '';
    const saved = join(cacheHostPath, 'artifacts', key, 'guest.saved');
    return text.includes(mark) && existsSync(saved) ? [saved] : [];
  });
}

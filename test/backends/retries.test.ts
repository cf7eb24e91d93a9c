import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { JsonReport } from '../../lab/report/json.ts';
import { cnilab, startCnilab } from '../rig/cnilab.ts';
import { processesWith } from '../rig/launched.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const folder = scratchFolder();
/** unique to this step, so that the test finds its process on the host */
const SLEEP = `1.5${process.pid}`;

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // no such process, or it has ended
  }
}

test('a step that is killed from outside fails; the retry is on a fresh node, and the run is flaky', async () => {
  writeFileSync(
    join(folder, 'disturbed.yaml'),
    `name: disturbed
summary: A step that something else on the host can end
node: { containerd: 1.6.4, cni-plugins: 1.1.1 }
steps:
  - exec: [sleep, '${SLEEP}']
    expect: { ok: true }
`,
  );
  expect((await cnilab(['fetch', 'disturbed.yaml'], { cwd: folder })).exitCode).toBe(0);
  const lab = startCnilab(
    ['run', 'disturbed.yaml', '--retries', '1', '--reporter', 'json=report.json', '--reporter', 'terminal'],
    { cwd: folder },
  );
  await until('the step', () => {
    const pid = readdirSync('/proc').find((name) => commandOf(name) === `sleep\0${SLEEP}\0`);
    return pid !== undefined && process.kill(Number(pid), 'SIGKILL');
  });
  const { exitCode, stdout } = await lab.finished;
  expect(exitCode).toBe(0);
  expect(stdout).toContain('disturbed: attempt 1 of at most 2: fail; it is repeated\n');
  expect(stdout).toContain('1 passed (1 flaky) in ');
  const { outputHostPath, runs, totals } = JSON.parse(
    readFileSync(join(folder, 'report.json'), 'utf8'),
  ) as JsonReport;
  expect(totals).toMatchObject({ pass: 1, flaky: 1, fail: 0 });
  expect(runs[0]?.attempts?.map(({ outcome }) => outcome)).toEqual(['fail', 'pass']);
  expect(processesWith(`lab-${outputHostPath.slice(-6)}`)).toEqual([]);

  const again = await cnilab(['report', outputHostPath]);
  expect([again.exitCode, again.stdout]).toEqual([0, expect.stringContaining('1 passed (1 flaky) in ')]);
});

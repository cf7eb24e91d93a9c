import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { cnilab, startCnilab } from '../rig/cnilab.ts';
import { hostState, type HostState } from '../rig/host-state.ts';
import { settledHostState } from '../rig/settled-host-state.ts';

const TIMES = 50;
/** two runs at once on a slow machine: the moments to kill at are spread over this time */
const RUN_MS = 2500;

const output = mkdtempSync(join(tmpdir(), 'cnilab-test-'));
const args = ['run', 'incompatible-version', '--containerd', '1.6.3,1.6.4', '--output', output];
let before: HostState;

beforeAll(async () => {
  expect((await cnilab(args)).exitCode).toBe(0); // everything is in the cache now
  before = hostState([output]);
});
afterAll(() => rmSync(output, { recursive: true }));

test(`kill -9 of the lab at ${TIMES} different moments leaves the host as it was`, async () => {
  for (let time = 0; time < TIMES; time += 1) {
    const lab = startCnilab(args);
    await sleep((RUN_MS * time) / TIMES);
    lab.process.kill('SIGKILL');
    await lab.finished;
  }
  expect(await settledHostState(before, [output])).toEqual(before);
});

import { expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { measuredFromNothing } from '../../lab/update/measured.ts';
import { item, journalOf, planned, sandbox, state } from '../rig/recorded-run.ts';

test('what is left behind after parallel steps is written to the group, and each pod to its own step', () => {
  const flat = planned({
    steps: [[{ do: 'stop-pod', pod: 'web' }], [{ do: 'exec', argv: ['true'] }], [{ do: 'parallel' }]],
  });
  const ids = ['1.1-stop-pod', '1.2-exec', '1-parallel'];
  const run: RunPlan = {
    ...flat,
    pods: [{ name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false }],
    steps: flat.steps.map((step, index) => ({
      ...step,
      id: ids[index] ?? '',
      ...(index < 2 ? { within: '1-parallel' } : {}),
    })),
  };
  const seen = state([item('netns', 'cni-1'), sandbox('a'.repeat(64), { state: 'not-ready', ips: '' })]);
  const entries = journalOf(run, { steps: [{}, {}, { state: seen }] }).filter(
    (entry) => !('stepId' in entry) || !/^1\.\d/.test(entry.stepId) || !/look|runtime-log/.test(entry.kind),
  );
  const whole = entries.map((entry) =>
    entry.kind === 'run-ended' ? { ...entry, entries: entries.length } : entry,
  );
  const { measured } = measuredFromNothing(run, { entries: whole, runtimes: RUNTIMES });
  expect(measured.map(({ stepId, changes }) => [stepId, changes])).toEqual([
    ['start', []],
    ['1.1-stop-pod', [{ path: ['pod'], value: '{ state: not-ready }' }]],
    ['1.2-exec', []],
    ['1-parallel', [{ path: ['left-behind'], value: '{ netns: 1, sandbox: 1 }' }]],
    [
      'end',
      [
        { path: ['left-behind'], value: '{ netns: 1, sandbox: 1 }' },
        { path: ['pods'], value: '{ web: { state: not-ready } }' },
      ],
    ],
  ]);
});

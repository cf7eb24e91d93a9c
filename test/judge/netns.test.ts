import { expect, test } from 'vitest';

import type { NetnsChange } from '../../lab/core/recorded.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import { judge } from '../rig/judged.ts';
import { at, expecting, journalOf, planned, runPod, stopPod } from '../rig/recorded-run.ts';

const place = at(40);
type Change = NetnsChange['change'];

/** The findings for two steps, with the changes in the first, and for the end. */
function outcomes(changes: readonly Change[], wanted: readonly Change[], { record = true } = {}) {
  const expectation = expecting({ netns: { place, changes: wanted } });
  const plan = planned({ steps: [[runPod, expectation], [stopPod]], end: expectation });
  const run = {
    ...plan,
    nodes: plan.nodes.map((node) => ({ ...node, ...(record && { record: true as const }) })),
  };
  const entries = journalOf(run);
  const first = entries.findIndex(({ kind }) => kind === 'step-started');
  const more = changes.map((change): JournalEntry => ({
    kind: 'netns',
    stepId: '1-run-pod',
    change,
    name: 'cni-a',
    time: 't',
    atMs: 0,
  }));
  const all = entries
    .toSpliced(first + 1, 0, ...more)
    .map((entry) =>
      entry.kind === 'run-ended' ? { ...entry, entries: entry.entries + more.length } : entry,
    );
  return judge(run, all).findings.filter(({ check }) => check === 'netns');
}

test('namespaces appear and disappear in the expected order, in a step and in the whole run', () => {
  const both = [{ outcome: 'pass' }, { outcome: 'pass' }];
  expect(outcomes(['appeared', 'disappeared'], ['appeared', 'disappeared'])).toMatchObject(both);
  expect(outcomes([], [])).toMatchObject(both);
});

test('a different order or number of changes is a failure', () => {
  expect(outcomes(['appeared'], ['disappeared'])[0]).toEqual({
    check: 'netns',
    outcome: 'fail',
    stepId: '1-run-pod',
    place,
    message: 'network namespaces: [appeared], expected [disappeared]',
    expected: '[disappeared]',
    actual: '[appeared]',
    paste: 'netns: [appeared]',
    detail: ['cni-a appeared'],
  });
  expect(outcomes(['appeared'], [])).toMatchObject([{ outcome: 'fail' }, { outcome: 'fail', stepId: 'end' }]);
  expect(outcomes([], ['appeared'])).toMatchObject([{ outcome: 'fail' }, { outcome: 'fail' }]);
});

test('without the recorder the changes are inconclusive', () => {
  expect(outcomes([], [], { record: false })).toMatchObject([
    { outcome: 'inconclusive' },
    { outcome: 'inconclusive' },
  ]);
});

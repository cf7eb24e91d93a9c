import { expect, test } from 'vitest';

import type { NodeState } from '../../lab/core/node-state.ts';
import { judge, settlingOf } from '../rig/judged.ts';

import type { Expectation } from '../../lab/spec/scenario.ts';
import {
  at,
  expecting,
  item,
  journalOf,
  line,
  planned,
  runPod,
  sandbox,
  state,
  stopPod,
} from '../rig/recorded-run.ts';

interface Taken {
  readonly expect?: Partial<Expectation>;
  readonly end?: Partial<Expectation>;
  readonly last: NodeState;
  readonly log?: string;
}

const LAST = { stepId: '2-stop-pod', node: undefined };

function settling({ expect: wanted, end, last, log = '' }: Taken) {
  const run = planned({
    steps: [[runPod], [stopPod, expecting(wanted)]],
    ...(end === undefined ? {} : { end: expecting(end) }),
  });
  return settlingOf(run, journalOf(run, { steps: [{}, { state: last, log }] }), LAST);
}

const none = { leftBehind: { none: true, place: at(23) } } as const;
const only = (kinds: object) => ({ leftBehind: { none: false, kinds, place: at(23) } }) as const;
const shim = item('shim', 'containerd-shim-runc-v2 -id a');

test('items without an expectation are not waited for', () => {
  expect(settling({ last: state([shim, sandbox('a')]) })).toBe('settled');
});

test('items beyond the expectation, by number or by name, are waited for to go', () => {
  expect(settling({ expect: none, last: state([shim]) })).toBe('beyond');
  expect(settling({ expect: only({ netns: 1 }), last: state([item('netns', 'a'), shim]) })).toBe('beyond');
  expect(settling({ expect: only({ netns: ['a'] }), last: state([item('netns', 'b')]) })).toBe('beyond');
  expect(settling({ expect: none, last: state() })).toBe('settled');
});

test('items that are missing are not waited for', () => {
  expect(settling({ expect: only({ netns: 1 }), last: state() })).toBe('settled');
});

test('an expectation that a shim or a process meets is confirmed by another look', () => {
  expect(settling({ expect: only({ shim: 1 }), last: state([shim]) })).toBe('unsure');
  expect(settling({ expect: only({ netns: 1 }), last: state([item('netns', 'a')]) })).toBe('settled');
});

test('a pod that must be gone is waited for; one that must be ready is not', () => {
  const last = state([sandbox('a')]);
  expect(settling({ expect: { pods: 'none' }, last })).toBe('beyond');
  expect(settling({ expect: { pod: { state: 'not-ready' } }, last })).toBe('beyond');
  expect(settling({ expect: { pods: { web: { state: 'absent' } } }, last })).toBe('beyond');
  expect(settling({ expect: { pod: { state: 'ready', ips: 2 } }, last })).toBe('settled');
});

test('a line that is not in the log yet is waited for', () => {
  const log = 'time="2026-01-01T00:00:00Z" level=info msg="network is ready"\n';
  expect(settling({ expect: { log: [line('network is ready')] }, last: state() })).toBe('beyond');
  expect(settling({ expect: { log: [line('network is ready')] }, last: state(), log })).toBe('settled');
  expect(settling({ expect: { noLog: [line('network is ready')] }, last: state() })).toBe('settled');
});

test('expectations of the end are waited for after the last step, and not before', () => {
  expect(settling({ end: none, last: state([shim]) })).toBe('beyond');
  const run = planned({ steps: [[runPod], [stopPod]], end: expecting(none) });
  const entries = journalOf(run, { steps: [{ state: state([shim]) }] });
  const first = entries.slice(0, entries.findIndex((entry) => entry.kind === 'step-ended') + 1);
  expect(settlingOf(run, first, LAST)).toBe('settled');
});

test('the last look of a step is judged, and what only a later step saw gone is reported as late', () => {
  const run = planned({ steps: [[runPod, expecting(none)], [stopPod]] });
  const entries = journalOf(run, { steps: [{ state: state([shim]) }, { state: state() }] });
  const again = entries.flatMap((entry) =>
    entry.kind === 'look' && entry.stepId === '1-run-pod' ? [entry, { ...entry, state: state() }] : [entry],
  );
  const outcomes = (of: typeof entries) =>
    judge(run, of).findings.find(({ check }) => check === 'left-behind');
  expect(outcomes(entries)?.detail).toEqual([
    `shim ${shim.name} appeared in 1-run-pod, gone only by 2-stop-pod`,
  ]);
  expect(outcomes(again)?.outcome).toBe('pass');
});

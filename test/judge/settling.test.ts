import { expect, test } from 'vitest';

import type { NodeState } from '../../lab/core/node-state.ts';
import { judge, settlingOf } from '../rig/judged.ts';

import type { Expectation } from '../../lab/spec/scenario.ts';
import {
  at,
  expecting,
  item,
  journalOf,
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
}

const LAST = { stepId: '2-stop-pod', node: undefined };

function settling({ expect: wanted, end, last }: Taken) {
  const run = planned({
    steps: [[runPod], [stopPod, expecting(wanted)]],
    ...(end === undefined ? {} : { end: expecting(end) }),
  });
  return settlingOf(run, journalOf(run, { steps: [{}, { state: last }] }), LAST);
}

const none = { leftBehind: { none: true, place: at(23) } } as const;
const only = (kinds: object) => ({ leftBehind: { none: false, kinds, place: at(23) } }) as const;
const shim = item('shim', 'containerd-shim-runc-v2 -id a');

test('what no expectation speaks of is never waited for', () => {
  expect(settling({ last: state([shim, sandbox('a')]) })).toBe('settled');
});

test('more than is expected may go, by number and by name', () => {
  expect(settling({ expect: none, last: state([shim]) })).toBe('beyond');
  expect(settling({ expect: only({ netns: 1 }), last: state([item('netns', 'a'), shim]) })).toBe('beyond');
  expect(settling({ expect: only({ netns: ['a'] }), last: state([item('netns', 'b')]) })).toBe('beyond');
  expect(settling({ expect: none, last: state() })).toBe('settled');
});

test('less than is expected does not come by waiting', () => {
  expect(settling({ expect: only({ netns: 1 }), last: state() })).toBe('settled');
});

test('an expectation that a shim or a process meets is confirmed', () => {
  expect(settling({ expect: only({ shim: 1 }), last: state([shim]) })).toBe('unsure');
  expect(settling({ expect: only({ netns: 1 }), last: state([item('netns', 'a')]) })).toBe('settled');
});

test('pods that ought to be gone may go; one that ought to be ready is not waited for', () => {
  const last = state([sandbox('a')]);
  expect(settling({ expect: { pods: 'none' }, last })).toBe('beyond');
  expect(settling({ expect: { pod: { state: 'not-ready' } }, last })).toBe('beyond');
  expect(settling({ expect: { pods: { web: { state: 'absent' } } }, last })).toBe('beyond');
  expect(settling({ expect: { pod: { state: 'ready', ips: 2 } }, last })).toBe('settled');
});

test('after the last step what is expected of the end is waited for, and before it is not', () => {
  expect(settling({ end: none, last: state([shim]) })).toBe('beyond');
  const run = planned({ steps: [[runPod], [stopPod]], end: expecting(none) });
  const entries = journalOf(run, { steps: [{ state: state([shim]) }] });
  const first = entries.slice(0, entries.findIndex((entry) => entry.kind === 'step-ended') + 1);
  expect(settlingOf(run, first, LAST)).toBe('settled');
});

test('of the looks of a step the last is judged, and what a later step saw gone is told as late', () => {
  const run = planned({ steps: [[runPod, expecting(none)], [stopPod]] });
  const entries = journalOf(run, { steps: [{ state: state([shim]) }, { state: state() }] });
  const again = entries.flatMap((entry) =>
    entry.kind === 'look' && entry.stepId === '1-run-pod' ? [entry, { ...entry, state: state() }] : [entry],
  );
  const told = (of: typeof entries) => judge(run, of).findings.find(({ check }) => check === 'left-behind');
  expect(told(entries)?.detail).toEqual([`shim ${shim.name} appeared in 1-run-pod, gone only by 2-stop-pod`]);
  expect(told(again)?.outcome).toBe('pass');
});

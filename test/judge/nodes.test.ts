import { expect, test } from 'vitest';

import { judge, settlingOf } from '../rig/judged.ts';
import { differences } from '../../lab/judge/parity.ts';
import type { NodeState, RuntimeState } from '../../lab/core/node-state.ts';
import type { JournalEntry, Observation } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import { onlyNode } from '../rig/only-node.ts';
import {
  at,
  expecting,
  item,
  journalOf,
  planned,
  runPod,
  state,
  stopPod,
  type TakenStep,
} from '../rig/recorded-run.ts';

const none = { leftBehind: { none: true, place: at(23) } } as const;
const exec = { do: 'exec', argv: ['true'] } as const;

interface TwoNodes {
  readonly steps?: readonly (Partial<Expectation> | undefined)[];
  readonly left?: Partial<Expectation>;
  readonly right?: Partial<Expectation>;
}

/** A pod on the left node, a command on the right node, and the pod's stop on the left node. */
function twoNodes({ steps = [], left, right }: TwoNodes = {}): RunPlan {
  const actions = [runPod, exec, stopPod];
  const run = planned({ steps: actions.map((action, index) => [action, expecting(steps[index])]) });
  const node = onlyNode(run);
  const onNode = ['left', 'right', 'left'];
  return {
    ...run,
    nodes: [
      { ...node, name: 'left', ...(left && { end: expecting(left) }) },
      { ...node, name: 'right', ...(right && { end: expecting(right) }) },
    ],
    steps: run.steps.map((step, index) => ({ ...step, on: onNode[index] ?? '' })),
  };
}

interface Seen {
  readonly steps?: readonly TakenStep[];
  /** the right node at the end */
  readonly end?: { readonly state?: NodeState; readonly runtime?: RuntimeState };
  /** on the right node, while the last step runs on the left node */
  readonly meanwhile?: readonly Observation[];
}

/** The journal that the lab would write for it. */
function journal(run: RunPlan, { steps = [], end = {}, meanwhile = [] }: Seen = {}): readonly JournalEntry[] {
  const onNode = new Map(run.steps.map(({ id, on }) => [id, on]));
  const plain = journalOf(run, { steps }).filter(({ kind }) => kind !== 'run-ended');
  const outcomes = plain.flatMap((entry): readonly JournalEntry[] => {
    if (
      entry.kind === 'artifact' ||
      entry.kind === 'node-ready' ||
      ('stepId' in entry && entry.stepId === 'start')
    )
      return ['left', 'right'].map((node) => ({ ...entry, node }));
    const node = 'stepId' in entry ? onNode.get(entry.stepId) : undefined;
    return [node === undefined ? entry : { ...entry, node }];
  });
  const after: readonly JournalEntry[] = [
    ...meanwhile,
    { kind: 'runtime-log', stepId: 'end', text: '' } as const,
    { kind: 'look', stepId: 'end', state: end.state ?? state(), runtime: end.runtime ?? 'running' } as const,
  ].map((one) => ({ ...one, node: 'right', atMs: 900 }));
  const all = [...outcomes, ...after];
  return [...all, { kind: 'run-ended', entries: all.length + 1, atMs: 1000 }];
}

const bad = (run: RunPlan, seen?: Seen): readonly string[] =>
  judge(run, journal(run, seen))
    .findings.filter(({ outcome }) => outcome !== 'pass')
    .map(({ stepId, node, check, outcome }) => `${stepId} ${node ?? '-'} ${check} ${outcome}`);

const left = item('netns', 'cni-left');

test('a run of two nodes passes if everything is as expected', () => {
  const run = twoNodes({ steps: [undefined, none, none], left: none, right: none });
  const { outcome, findings } = judge(run, journal(run));
  expect(outcome).toBe('pass');
  expect(findings.filter(({ stepId }) => stepId === 'end').map(({ node, check }) => [node, check])).toEqual([
    ['left', 'left-behind'],
    ['right', 'left-behind'],
    [undefined, 'ran'],
    [undefined, 'cleanup'],
  ]);
});

test('only items on the step’s own node are left behind', () => {
  const run = twoNodes({ steps: [undefined, none, none] });
  expect(bad(run, { steps: [{ state: state([left]) }, {}, {}] })).toEqual([]);
  expect(bad(run, { steps: [{}, { state: state([left]) }, {}] })).toEqual(['2-exec right left-behind fail']);
});

test('at the end each node has the state of its last look', () => {
  const run = twoNodes({ left: none, right: none });
  expect(bad(run, { end: { state: state([left]) } })).toEqual(['end right left-behind fail']);
  expect(bad(run, { steps: [{}, {}, { state: state([left]) }] })).toEqual(['end left left-behind fail']);
  expect(bad(run, { steps: [{}, { state: state([left]) }, {}] })).toEqual([]);
});

test('a control of the end names its node, and another node does not count', () => {
  const message = { contains: 'left behind', why: 'the rest varies', place: at(5) };
  const withControl = (on: string): RunPlan => ({
    ...twoNodes({ left: none, right: none }),
    control: { outcome: 'fail', finding: 'left-behind', step: 'end', on, message },
  });
  const seen = { end: { state: state([left]) } };
  const outcomeOn = (on: string) => {
    const run = withControl(on);
    return judge(run, journal(run, seen)).findings.find(({ check }) => check === 'control');
  };
  expect(outcomeOn('right')).toMatchObject({
    outcome: 'pass',
    message: 'fail by left-behind of end on right, as it must',
  });
  expect(outcomeOn('left')).toMatchObject({
    outcome: 'fail',
    message:
      'the control came out as fail by left-behind of end on right, expected fail by left-behind of end on left',
  });
});

test('a containerd that ends during a step on another node is reported, with or without an end', () => {
  const crash = (stepId: string): Observation => ({
    kind: 'runtime-ended',
    stepId,
    asked: false,
    exitCode: null,
    signal: 'SIGSEGV',
  });
  for (const run of [twoNodes(), twoNodes({ right: none })])
    expect(bad(run, { meanwhile: [crash('3-stop-pod')], end: { runtime: 'ended' } })).toEqual([
      'end right runtime fail',
    ]);
  const early = twoNodes();
  const entries = journal(early, { steps: [{}, { runtime: 'ended' }, {}], end: { runtime: 'ended' } });
  const crashed = entries.flatMap((entry): readonly JournalEntry[] =>
    entry.kind === 'step-ended' && entry.stepId === '1-run-pod'
      ? [{ ...crash('1-run-pod'), node: 'right', atMs: entry.atMs }, entry]
      : [entry.kind === 'run-ended' ? { ...entry, entries: entry.entries + 1 } : entry],
  );
  expect(
    judge(early, crashed)
      .findings.filter(({ outcome }) => outcome !== 'pass')
      .map(({ stepId, node, check, message }) => [stepId, node, check, message]),
  ).toEqual([['2-exec', 'right', 'runtime', 'containerd ended by itself (SIGSEGV), expected running']]);
});

test('a capture from one node is known on the other', () => {
  const error = { exact: 'no ${web.ip}', place: at(24) };
  const run = twoNodes({ steps: [undefined, { ok: false, error }] });
  const failed = {
    kind: 'command',
    stepId: '2-exec',
    result: {
      argv: ['true'],
      exitCode: 1,
      signal: null,
      stdout: '',
      stderr: 'no 10.1.0.2',
      durationMs: 1,
      timedOut: false,
    },
  } as const;
  const captured: Observation = { kind: 'capture', stepId: '1-run-pod', name: 'web.ip', value: '10.1.0.2' };
  const ran = journalOf(run).filter(
    ({ kind, ...entry }) => kind === 'command' && 'stepId' in entry && entry.stepId === '1-run-pod',
  );
  expect(bad(run, { steps: [{ seen: [...ran, captured] }, { seen: [failed] }, {}] })).toEqual([]);
});

test('a journal without one of its lines, or without one of its nodes, is not judged', () => {
  const run = twoNodes();
  const entries = journal(run);
  const without = (drop: (entry: JournalEntry) => boolean) =>
    judge(
      run,
      entries.filter((entry) => !drop(entry)),
    ).outcome;
  expect(without(({ kind }) => kind === 'node-ready')).toBe('inconclusive');
  expect(without(({ kind, node }) => kind === 'look' && node === 'right')).toBe('inconclusive');
});

test('a step settles by the expectations of its own node, and the end of each node by that node’s', () => {
  const run = twoNodes({ steps: [none], right: none });
  const entries = journal(run, {
    steps: [{ state: state([item('shim', 'x')]) }],
    end: { state: state([left]) },
  });
  const first = entries.slice(0, entries.findIndex((entry) => entry.kind === 'step-ended') + 1);
  expect(settlingOf(run, first, { stepId: '1-run-pod', node: 'left' })).toBe('beyond');
  const all = entries.slice(0, -1);
  expect(settlingOf(run, all, { stepId: 'end', node: 'right' })).toBe('beyond');
  expect(settlingOf(run, all, { stepId: 'end', node: 'left' })).toBe('settled');
});

test('two runs differ if one of their nodes differs', () => {
  const run = twoNodes();
  const recorded = (on: string, seen: Seen) => {
    const entries = journal(run, seen);
    return { on, entries, verdict: judge(run, entries) };
  };
  expect(differences(recorded('bare', {}), recorded('vm', { end: { state: state([left]) } }))).toEqual([
    'only on vm, end: right: there is netns cni-left',
  ]);
});

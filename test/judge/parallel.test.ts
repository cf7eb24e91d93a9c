import { expect, test } from 'vitest';

import type { CniCallStarted } from '../../lab/core/recorded.ts';
import type { Observation } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import { normalisedJournal } from '../../lab/judge/parity.ts';
import { judge, settlingOf } from '../rig/judged.ts';
import {
  at,
  exactly,
  expecting,
  item,
  journalOf,
  planned,
  ran,
  result,
  state,
  type TakenStep,
} from '../rig/recorded-run.ts';

const run = (pod: string): PlannedAction => ({ do: 'run-pod', pod });
const netns = item('netns', 'cni-1');
const GROUP = '1-parallel';

interface Taken {
  readonly one?: Partial<Expectation>;
  readonly other?: Partial<Expectation>;
  readonly group?: Partial<Expectation>;
  readonly exitCode?: number;
  /** what was seen for all of them: the end of the runtime, plugin calls */
  readonly seen?: readonly Observation[];
  readonly look?: TakenStep;
}

/** The plan of two pods that are run at the same time, and the journal that the lab writes for it. */
function recorded({ one, other, group, exitCode = 0, seen = [], look = {} }: Taken = {}) {
  const flat = planned({
    steps: [
      [run('a'), expecting(one)],
      [run('b'), expecting(other)],
      [{ do: 'parallel' }, expecting(group)],
    ],
  });
  const [node] = flat.nodes;
  if (node === undefined) throw new Error('a plan has a node');
  const ids = ['1.1-run-pod', '1.2-run-pod', GROUP];
  const plan: RunPlan = {
    ...flat,
    nodes: [{ ...node, record: true }],
    steps: flat.steps.map((step, index) => ({
      ...step,
      id: ids[index] ?? '',
      ...(index < 2 ? { within: GROUP } : {}),
    })),
  };
  const b = result(['crictl', 'runp'], { exitCode, stderr: exitCode === 0 ? '' : 'no address\n' });
  const whole = journalOf(plan, {
    steps: [{}, { seen: [ran('1.2-run-pod', b)] }, look],
  });
  const isOf = (id: string) => (entry: (typeof whole)[number]) => 'stepId' in entry && entry.stepId === id;
  const own = whole.filter((entry) => ids.slice(0, 2).some((id) => isOf(id)(entry)));
  const ofGroup = whole.filter(isOf(GROUP));
  const [started, ...rest] = ofGroup;
  if (started === undefined) throw new Error('the group has begun');
  const before = whole.slice(0, whole.findIndex(isOf('1.1-run-pod')));
  const entries = [
    ...before,
    ...own.filter(({ kind }) => kind === 'step-started'),
    started,
    ...seen.map((entry) => ({ ...entry, atMs: started.atMs })),
    ...own.filter(({ kind }) => kind !== 'step-started' && kind !== 'look' && kind !== 'runtime-log'),
    ...rest,
  ];
  const all = entries.length + 1;
  return { plan, entries: [...entries, { kind: 'run-ended', entries: all, atMs: 1000 } as const] };
}

const outcomes = (taken?: Taken) => {
  const { plan, entries } = recorded(taken);
  const { outcome, findings } = judge(plan, entries);
  const bad = findings.filter((one) => one.outcome !== 'pass');
  return { outcome, bad: bad.map(({ stepId, check }) => `${stepId} ${check}`) };
};

test('each step is judged by its own command', () => {
  expect(outcomes()).toEqual({ outcome: 'pass', bad: [] });
  expect(outcomes({ exitCode: 1 })).toEqual({ outcome: 'fail', bad: ['1.2-run-pod ok'] });
  expect(outcomes({ exitCode: 1, other: { error: exactly('no address') } }).outcome).toBe('pass');
});

test('one look is for all: for the group, and for the pod of each step', () => {
  const look = {
    state: state([
      netns,
      item('sandbox', 'a'.repeat(64), { podName: 'a', state: 'ready', ips: '10.88.0.2' }),
    ]),
  };
  expect(outcomes({ look, group: { leftBehind: { none: true, place: at(23) } } }).bad).toEqual([
    `${GROUP} left-behind`,
  ]);
  expect(outcomes({ look, one: { pod: { state: 'ready', ips: ['10.88.0.2'] } } }).outcome).toBe('pass');
  expect(outcomes({ look, one: { pod: { state: 'not-ready' } } }).bad).toEqual(['1.1-run-pod pod']);
  expect(outcomes({ look, other: { pod: { state: 'ready' } } }).bad).toEqual(['1.2-run-pod pod']);
});

test('a change of the runtime meanwhile belongs to the group', () => {
  const end: Observation = { kind: 'runtime-ended', stepId: GROUP, asked: false, exitCode: 2, signal: null };
  const look = { runtime: 'ended' } as const;
  expect(outcomes({ seen: [end], look }).bad).toEqual([`${GROUP} runtime`]);
  expect(outcomes({ seen: [end], look, group: { runtime: 'ended' } }).outcome).toBe('pass');
});

const call = (number: number, args: string): readonly Observation[] => {
  const started: CniCallStarted = {
    kind: 'cni-call-started',
    call: number,
    time: '2026-01-01T00:00:00Z',
    plugin: 'bridge',
    verb: 'ADD',
    argv: ['bridge'],
    env: { CNI_COMMAND: 'ADD', CNI_ARGS: args },
    stdin: '{}',
    parent: { pid: 1, name: 'containerd' },
  } as unknown as CniCallStarted;
  return [{ ...started, stepId: GROUP }];
};
const once = [{ place: at(24), plugin: 'bridge', times: 1, env: {}, noEnv: [], noInput: [] }];
const twice = [{ place: at(24), plugin: 'bridge', times: 2, env: {}, noEnv: [], noInput: [] }];

test('a call belongs to the step whose pod it names, and to the group', () => {
  const seen = [...call(1, 'IgnoreUnknown=1;K8S_POD_NAME=a'), ...call(2, 'K8S_POD_NAME=b;K8S_POD_UID=b-uid')];
  expect(
    outcomes({ seen, one: { calls: once }, other: { calls: once }, group: { calls: twice } }).outcome,
  ).toBe('pass');
  expect(outcomes({ seen, one: { calls: twice } }).bad).toEqual(['1.1-run-pod calls']);
});

test('a call with an unknown pod makes the calls of each step inconclusive', () => {
  const seen = [...call(1, 'K8S_POD_NAME=a'), ...call(2, '')];
  expect(outcomes({ seen, one: { calls: once } }).outcome).toBe('inconclusive');
  expect(outcomes({ seen, group: { calls: twice } }).outcome).toBe('pass');
});

test('without a line of the journal the outcome is inconclusive', () => {
  const { plan, entries } = recorded();
  const isSound = (without: (typeof entries)[number]) => {
    const rest = entries.filter((entry) => entry !== without);
    return judge(
      plan,
      rest.map((entry) => (entry.kind === 'run-ended' ? { ...entry, entries: rest.length } : entry)),
    ).outcome;
  };
  for (const entry of entries.filter((one) => 'stepId' in one && one.stepId !== 'start'))
    expect([entry, isSound(entry)]).toEqual([entry, 'inconclusive']);
});

test('the look settles by the expectations of each of them', () => {
  const leftBehind = { none: true, place: at(23) } as const;
  const pod = { state: 'absent' } as const;
  const sandbox = item('sandbox', 'a'.repeat(64), { podName: 'a', state: 'ready', ips: '' });
  for (const taken of [{ group: { leftBehind } }, { one: { pod } }]) {
    const { plan, entries } = recorded({ ...taken, look: { state: state([netns, sandbox]) } });
    const until = entries.findLastIndex(({ kind }) => kind === 'step-ended') + 1;
    expect(settlingOf(plan, entries.slice(0, until), { stepId: GROUP, node: undefined })).toBe('beyond');
  }
});

test('parity compares the look after all of them, and not which step got which address', () => {
  const { entries } = recorded({ look: { state: state([netns]) } });
  const capture = (name: string, value: string) =>
    ({ kind: 'capture', stepId: '1.1-run-pod', name, value, atMs: 1 }) as const;
  const facts = normalisedJournal([...entries, capture('a.ip', '10.88.0.2'), capture('a.uid', 'x')]);
  expect(facts).toContainEqual({ stepId: GROUP, text: 'there is netns cni-1' });
  expect(facts).toContainEqual({ stepId: '1.1-run-pod', text: 'a.uid is x' });
  expect(facts.filter(({ text }) => text.startsWith('a.ip'))).toEqual([]);
});

import { expect, test } from 'vitest';

import { LabError } from '../../lab/core/lab-error.ts';
import type { NodeState } from '../../lab/core/node-state.ts';
import type { JournalEntry, ObservedOn, Observation } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import { runSteps } from '../../lab/steps/run-steps.ts';
import { judge, settlingOf } from '../rig/judged.ts';
import { fakeArtifact, fakeNode, RUNNING } from '../rig/fake-node.ts';
import { at, expecting, item, journalOf, planned, state } from '../rig/recorded-run.ts';

/** Two nodes, on each of which a command is started at the same time; `group` is what is expected of each node then. */
function planOnTwoNodes(group: Readonly<Record<string, Partial<Expectation>>> = {}): RunPlan {
  const flat = planned({});
  const step = { place: at(10), timeoutMs: 1000 };
  const command = (id: string, on: string) => ({
    ...step,
    ...{ id, on, within: '1-parallel', expect: expecting({ ok: true }) },
    action: { do: 'exec', argv: ['on', on] } as const,
  });
  const together = (on: string) => ({
    ...step,
    ...{ id: '1-parallel', on, action: { do: 'parallel' } as const, expect: expecting(group[on]) },
  });
  return {
    ...flat,
    nodes: flat.nodes.flatMap((node) => ['left', 'right'].map((name) => ({ ...node, name }))),
    steps: [command('1.1-exec', 'left'), command('1.2-exec', 'right'), together('left'), together('right')],
  };
}

interface Nodes {
  readonly looks?: Readonly<Record<string, readonly NodeState[]>>;
  /** of the command on the node left, which ends only when that on the other node has begun */
  readonly left?: () => void;
}

async function taken(run: RunPlan, { looks = {}, left = () => undefined }: Nodes = {}) {
  const entries: JournalEntry[] = [];
  let begins = (): void => undefined;
  const otherBegins = new Promise<void>((resolve) => (begins = resolve));
  const nodes = ['left', 'right'].map((name) => {
    const { node, clock } = fakeNode({ looks: looks[name] ?? [state()] });
    const exec: typeof node.exec = async (argv) => {
      if (name === 'right') begins();
      else {
        left();
        await otherBegins;
      }
      return node.exec(argv);
    };
    return { name, clock, runtime: RUNNING, node: { ...node, exec } };
  });
  const [first] = nodes;
  if (first === undefined) throw new Error('there are two nodes');
  const observe = (one: Observation & ObservedOn) => void entries.push({ ...one, atMs: 0 });
  await runSteps({
    run,
    nodes,
    clock: first.clock,
    artifact: ({ component }) => fakeArtifact(component),
    observe,
    settling: () => 'settled',
    settleMs: 0,
    signal: new AbortController().signal,
  });
  return entries;
}

const WHERE: readonly Observation['kind'][] = ['step-started', 'command', 'look', 'step-ended'];
const shown = (entries: readonly JournalEntry[]) =>
  entries.flatMap((entry) =>
    WHERE.includes(entry.kind) && 'stepId' in entry && entry.stepId !== 'start' && entry.stepId !== 'end'
      ? [`${entry.kind} ${entry.stepId} ${entry.node ?? ''}`]
      : [],
  );

test('steps on several nodes are under way at once, and each node is looked at when all have ended', async () => {
  const lines = shown(await taken(planOnTwoNodes()));
  expect(lines.slice(0, 4).toSorted()).toEqual([
    'step-started 1-parallel left',
    'step-started 1-parallel right',
    'step-started 1.1-exec left',
    'step-started 1.2-exec right',
  ]);
  expect(lines.slice(4, 8).toSorted()).toEqual([
    'command 1.1-exec left',
    'command 1.2-exec right',
    'step-ended 1.1-exec left',
    'step-ended 1.2-exec right',
  ]);
  expect(lines.slice(8)).toEqual([
    'look 1-parallel left',
    'step-ended 1-parallel left',
    'look 1-parallel right',
    'step-ended 1-parallel right',
  ]);
});

test('a node that fails the lab ends the run once the steps on the other nodes have ended', async () => {
  const broken = () => {
    throw new LabError('node left is gone');
  };
  await expect(taken(planOnTwoNodes(), { left: broken })).rejects.toThrow(new LabError('node left is gone'));
});

/** The journal of a whole run with these steps. */
function wholeJournal(run: RunPlan, entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const frame = journalOf({ ...run, steps: [] }).filter(
    ({ kind }) => kind !== 'look' && kind !== 'runtime-log',
  );
  const [begin] = frame;
  const end = frame.at(-1);
  if (begin === undefined || end?.kind !== 'run-ended')
    throw new Error('a journal has a beginning and an end');
  const starts = frame.slice(1, -1).flatMap((one) => ['left', 'right'].map((node) => ({ ...one, node })));
  const all = [begin, ...starts, ...entries];
  return [...all, { ...end, entries: all.length + 1 }];
}

const NETNS = state([item('netns', 'cni-1')]);
const LOOKS = { left: [state(), state()], right: [state(), NETNS] };
const leftBehind = (netns: number): Partial<Expectation> => ({
  leftBehind: { none: false, kinds: { netns }, place: at(30) },
});
const NOTHING: Partial<Expectation> = { leftBehind: { none: true, place: at(30) } };

test('what is expected of a node is held against the look at that node alone', async () => {
  const outcomeOf = async (group: Readonly<Record<string, Partial<Expectation>>>) => {
    const run = planOnTwoNodes(group);
    const { outcome, findings } = judge(run, wholeJournal(run, await taken(run, { looks: LOOKS })));
    const bad = findings.filter((one) => one.outcome !== 'pass');
    return { outcome, bad: bad.map(({ stepId, node, check }) => `${stepId} on ${node ?? ''}: ${check}`) };
  };
  expect(await outcomeOf({ left: NOTHING, right: leftBehind(1) })).toEqual({ outcome: 'pass', bad: [] });
  expect(await outcomeOf({ left: NOTHING, right: NOTHING })).toEqual({
    outcome: 'fail',
    bad: ['1-parallel on right: left-behind'],
  });
  expect(await outcomeOf({ left: leftBehind(1), right: leftBehind(1) })).toEqual({
    outcome: 'fail',
    bad: ['1-parallel on left: left-behind'],
  });
});

test('a look waits for what is expected of its node, and not for that of another one', async () => {
  const run = planOnTwoNodes({ left: NOTHING, right: NOTHING });
  const settling = async (looks: Nodes['looks'] = {}) => {
    const entries = wholeJournal(run, await taken(run, { looks }));
    return ['left', 'right'].map((node) => {
      const isEnd = (one: JournalEntry) =>
        one.kind === 'step-ended' && one.stepId === '1-parallel' && one.node === node;
      const until = entries.slice(0, entries.findIndex(isEnd) + 1);
      return settlingOf(run, until, { stepId: '1-parallel', node });
    });
  };
  expect(await settling({ right: [state(), NETNS] })).toEqual(['settled', 'beyond']);
  expect(await settling({ left: [state(), NETNS] })).toEqual(['beyond', 'settled']);
});

test('without the look at one of the nodes the run is inconclusive', async () => {
  const run = planOnTwoNodes();
  const entries = await taken(run);
  const without = entries.filter(
    (one) => !(one.kind === 'look' && one.stepId === '1-parallel' && one.node === 'left'),
  );
  expect(judge(run, wholeJournal(run, entries)).outcome).toBe('pass');
  expect(judge(run, wholeJournal(run, without)).outcome).toBe('inconclusive');
});

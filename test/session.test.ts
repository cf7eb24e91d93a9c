import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Artifacts } from '../lab/artifacts/artifacts.ts';
import { findRuns, judgeFound } from '../lab/assembly/recorded.ts';
import { RUNTIMES } from '../lab/assembly/runtimes.ts';
import type { LabEvent, RunEnded } from '../lab/events.ts';
import type { RunPlan } from '../lab/plan/plan.ts';
import { repeatRuns } from '../lab/plan/select-runs.ts';
import { isFlaky } from '../lab/report/attempts.ts';
import { runSession, type SessionOptions } from '../lab/session.ts';
import { fakeArtifact, fakeNode } from './rig/fake-node.ts';
import { expecting, planned } from './rig/recorded-run.ts';
import { scratchFolder } from './rig/scratch.ts';

const folder = scratchFolder();
const STEP = [{ do: 'exec', argv: ['check'] }, expecting({ ok: true })] as unknown as NonNullable<
  Parameters<typeof planned>[0]['steps']
>[number];
const run = (name: string): RunPlan => planned({ title: name, steps: [STEP] });
const PROGRAMS = {
  containerd: 'containerd',
  crio: 'crio',
  runc: 'runc',
  crictl: 'crictl',
  'cni-plugins': 'bridge',
  kubernetes: 'kubelet',
  etcd: 'etcd',
  kind: 'kind',
};

const artifacts = {
  ensureEach: async () => ({
    artifact: ({ component }) => fakeArtifact(component, PROGRAMS[component]),
    lost: [],
  }),
  ensureOwn: async (name) => ({
    ...fakeArtifact(name),
    files: [{ path: `${name}.tar`, sha256: '', sizeBytes: 1, executable: false }],
  }),
} satisfies Partial<Artifacts> as Partial<Artifacts> as Artifacts;

interface Session {
  readonly outcome: string;
  readonly ended: readonly RunEnded[];
  readonly notices: readonly string[];
  /** names of the nodes, in the order of their start */
  readonly nodes: readonly string[];
  readonly outputHostPath: string;
}

let sessions = 0;

/** A session on fake nodes. The only step fails on the nodes that `fails` names. */
async function session(
  runs: readonly RunPlan[],
  { fails, ...options }: Partial<SessionOptions> & { readonly fails: (node: string) => boolean },
): Promise<Session> {
  const sessionId = `s${(sessions += 1)}`;
  const outputHostPath = join(folder, sessionId);
  const events: LabEvent[] = [];
  const nodes: string[] = [];
  const outcome = await runSession({
    plan: { formatVersion: 3, runs },
    backend: 'bare',
    maker: Promise.resolve({
      artifacts: [],
      start: async ({ name }) => {
        nodes.push(name.replace(`lab-${sessionId}-`, ''));
        const exitCode = fails(name.replace(`lab-${sessionId}-`, '')) ? 1 : 0;
        return fakeNode({ exec: (argv) => (argv[0] === 'check' ? { exitCode } : {}) }).node;
      },
      group: () => Promise.reject(new Error('one node has no network')),
      end: async () => undefined,
    }),
    artifacts,
    kind: { component: 'kind', version: '0.33.0' },
    runtimes: RUNTIMES,
    sessionId,
    outputHostPath,
    jobs: 1,
    clusterNodes: Infinity,
    keep: false,
    retries: 0,
    maxFailures: Infinity,
    failOnFlaky: false,
    clock: fakeNode().clock,
    labVersion: '0.1.0',
    host: {},
    signal: new AbortController().signal,
    emit: (event) => void events.push(event),
    ...options,
  });
  const ended = events.flatMap((event) => (event.kind === 'run-ended' ? [event] : []));
  const notices = events.flatMap((event) => (event.kind === 'notice' ? [event.message] : []));
  return { outcome, ended, notices, nodes, outputHostPath };
}

const outcomesOf = ({ ended }: Session) => ended.map(({ run, verdict }) => [run.slug, verdict.outcome]);

test('a run that passes only when repeated passes, is flaky, and has both attempts', async () => {
  const seen = await session([run('a'), run('b')], { fails: (node) => node === '1', retries: 2 });
  expect([seen.outcome, outcomesOf(seen), seen.nodes]).toEqual([
    'pass',
    [
      ['a', 'pass'],
      ['b', 'pass'],
    ],
    ['1', '1-2', '2'],
  ]);
  expect(seen.ended.map(isFlaky)).toEqual([true, false]);
  expect(
    seen.ended[0]?.attempts?.map(({ verdict, outputHostPath }) => [verdict.outcome, outputHostPath]),
  ).toEqual([
    ['fail', join(seen.outputHostPath, 'a')],
    ['pass', join(seen.outputHostPath, 'a/attempt-2')],
  ]);
  expect(seen.ended[0]?.outputHostPath).toBe(join(seen.outputHostPath, 'a/attempt-2'));
  expect(seen.ended[1]?.attempts).toBeUndefined();
  expect(seen.notices).toEqual(['a: attempt 1 of at most 3: fail; it is repeated']);
});

test('a session that is read from its folders has the same attempts', async () => {
  const { ended, outputHostPath } = await session([run('a'), run('b')], {
    fails: (node) => node === '1' || node.startsWith('2'),
    retries: 1,
  });
  const recorded = findRuns([outputHostPath]).map(judgeFound);
  const summary = ({ run, verdict, attempts, outputHostPath }: RunEnded) => ({
    ...{ slug: run.slug, outcome: verdict.outcome, outputHostPath },
    attempts: attempts?.map((attempt) => [attempt.verdict.outcome, attempt.outputHostPath]),
  });
  expect(recorded.map(summary)).toEqual(ended.map(summary));
  expect(recorded.map(isFlaky)).toEqual([true, false]);
  expect(recorded[1]?.attempts).toHaveLength(2);
});

test('with failOnFlaky the session fails and gives the reason', async () => {
  const seen = await session([run('a')], { fails: (node) => node === '1', retries: 1, failOnFlaky: true });
  expect(seen.outcome).toBe('fail');
  expect(outcomesOf(seen)).toEqual([['a', 'pass']]);
  expect(seen.notices.at(-1)).toBe('the session fails, as 1 run passed only when repeated (--fail-on-flaky)');
  const steady = await session([run('a')], { fails: () => false, retries: 1, failOnFlaky: true });
  expect([steady.outcome, steady.notices]).toEqual(['pass', []]);
});

test('a run that never passes fails after its last retry; without retries there is one attempt', async () => {
  const retried = await session([run('a')], { fails: () => true, retries: 2 });
  expect([retried.outcome, retried.nodes, retried.ended.length]).toEqual(['fail', ['1', '1-2', '1-3'], 1]);
  const once = await session([run('a')], { fails: () => true });
  expect([once.outcome, once.nodes, once.ended[0]?.attempts]).toEqual(['fail', ['1'], undefined]);
  expect(existsSync(join(once.outputHostPath, 'a/attempt-2'))).toBe(false);
});

test('an interrupted session repeats nothing', async () => {
  const controller = new AbortController();
  const { nodes, outcome } = await session([run('a'), run('b')], {
    retries: 3,
    signal: controller.signal,
    fails: () => {
      controller.abort('SIGINT');
      return true;
    },
  });
  expect([nodes, outcome]).toEqual([['1'], 'inconclusive']);
});

test('after the maximum number of failures no further run is started', async () => {
  const fails = (node: string) => node !== '1';
  const seen = await session(['a', 'b', 'c', 'd', 'e'].map(run), { fails, maxFailures: 2 });
  expect([seen.outcome, seen.nodes]).toEqual(['fail', ['1', '2', '3']]);
  expect(seen.notices).toEqual(['stopped after 2 runs that did not pass; 2 not run']);
  const all = await session(['a', 'b'].map(run), { fails, maxFailures: 1 });
  expect([all.nodes, all.notices]).toEqual([['1', '2'], []]); // the last one failed, so none was left out
});

test('each repeat has its own node, and a run whose repeats differ is named', async () => {
  const { runs } = repeatRuns({ formatVersion: 3, runs: [run('a'), run('b')] }, 3);
  const seen = await session(runs, { fails: (node) => node === '5' });
  expect([seen.outcome, seen.nodes]).toEqual(['fail', ['1', '2', '3', '4', '5', '6']]);
  expect(seen.notices).toEqual(['b did not come out the same each time: 2 pass, 1 fail']);
});

test('a cluster of kind that shall be kept is bad input, and nothing is run', async () => {
  const cluster = {
    kubernetes: { component: 'kubernetes', version: '1.24.17' },
    etcd: { component: 'etcd', version: '3.5.6' },
    workers: ['worker-1'],
  } as const;
  const kept = session([{ ...run('a'), cluster }], { backend: 'kind', keep: true, fails: () => false });
  await expect(kept).rejects.toThrow('--keep cannot keep those of kind');
});

import { expect, test } from 'vitest';

import type { Artifact } from '../lab/artifacts/artifact.ts';
import { RUNTIMES } from '../lab/assembly/runtimes.ts';
import { LabError } from '../lab/core/lab-error.ts';
import type { Verdict } from '../lab/judge/verdict.ts';
import type { JournalEntry, Observation } from '../lab/observe/observation.ts';
import type { RunPlan } from '../lab/plan/plan.ts';
import { runOne, type RunOptions } from '../lab/run.ts';
import { fakeArtifact, fakeNode, type FakeNode, type FakeNodeOptions } from './rig/fake-node.ts';
import { planned, runPod, sandbox, state, stopPod } from './rig/recorded-run.ts';

const ID = 'a'.repeat(64);
const RUN: RunPlan = {
  ...planned({ steps: [[runPod], [stopPod]] }),
  pods: [{ name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false }],
};
const PROGRAMS = {
  runtime: fakeArtifact('containerd', 'containerd'),
  runc: fakeArtifact('runc', 'runc'),
  crictl: fakeArtifact('crictl', 'crictl'),
};
const IMAGE: Artifact = {
  ...fakeArtifact('pause-image'),
  files: [{ path: 'pause.tar', sha256: '', sizeBytes: 1, executable: false }],
};
const works = (argv: readonly string[]) => (argv[1] === 'runp' ? { stdout: `${ID}\n` } : {});
const READY = state([sandbox(ID, { state: 'ready' })]);
const STOPPED = state([sandbox(ID, { state: 'not-ready' })]);

interface Ran {
  readonly verdict: Verdict;
  /** as it is recorded */
  readonly journal: readonly JournalEntry[];
  /** everything that was done to the node */
  readonly done: readonly string[];
}

interface FakeRun extends FakeNodeOptions {
  readonly run?: RunPlan;
  readonly options?: Partial<RunOptions>;
  /** before the node exists */
  readonly start?: (fake: FakeNode) => void;
  /** after each observation */
  readonly observed?: (entry: Observation, fake: FakeNode) => void;
}

/** The life of one run on a node without a machine. */
async function runOnFake({ run = RUN, options, start, observed, ...ofNode }: FakeRun): Promise<Ran> {
  const fake = fakeNode({ looks: [state(), READY, STOPPED], exec: works, ...ofNode });
  const journal: JournalEntry[] = [];
  const verdict = await runOne({
    run,
    nodeName: 'lab-fake',
    backend: 'bare',
    maker: {
      artifacts: [],
      async start() {
        start?.(fake);
        return fake.node;
      },
      group: () => Promise.reject(new Error('one node has no network')),
      end: async () => undefined,
    },
    runtimes: RUNTIMES,
    parts: async () => ({ ...PROGRAMS, plugins: { overrides: [] }, images: [IMAGE], later: [] }),
    artifact: ({ component }) => fakeArtifact(component),
    kind: { component: 'kind', version: '0.33.0' },
    record: {
      broken: new AbortController().signal,
      observed(entry) {
        journal.push(entry);
        observed?.(entry, fake);
      },
      judged: () => undefined,
    },
    outputHostPath: '/out',
    clock: fake.clock,
    labVersion: '0.1.0',
    host: {},
    keep: false,
    signal: new AbortController().signal,
    emit: () => undefined,
    ...options,
  });
  return { verdict, journal, done: fake.done };
}

const command = (stepId: string, argv: readonly string[], more: object, stdout = '') => ({
  kind: 'command',
  stepId,
  ...more,
  result: { argv, exitCode: 0, signal: null, stdout, stderr: '', durationMs: 1, timedOut: false },
});
const look = (stepId: string, seen: unknown, log = '') => [
  { kind: 'runtime-log', stepId, text: log },
  { kind: 'look', stepId, state: seen, runtime: 'running' },
];
const artifact = ({ name, version, source, key, madeBy }: Artifact) => ({
  ...{ kind: 'artifact', name, version, source, key, madeBy },
});
const capture = (stepId: string, name: string, value: string) => ({ kind: 'capture', stepId, name, value });

/** The beginning of each of these journals, up to a ready node. */
const BEGINNING = [
  {
    kind: 'run-started',
    formatVersion: 3,
    labVersion: '0.1.0',
    time: '1970-01-01T00:00:00.000Z',
    backend: 'bare',
    host: {},
  },
  ...[...Object.values(PROGRAMS), IMAGE].map(artifact),
];
const WITH_NODE = [
  ...BEGINNING,
  { kind: 'node-ready', name: 'lab-fake', nodeMs: 0, runtimeMs: 0, runtimeVersion: 'v1.6.3' },
  ...look('start', state()),
];
const ended = (before: readonly unknown[]) => [...before, { kind: 'run-ended', entries: before.length + 1 }];
const withoutTime = (journal: readonly JournalEntry[]): readonly unknown[] =>
  journal.map(({ atMs: _, ...entry }) => entry);

test('a run that ends: the whole journal, and everything that was done to the node', async () => {
  const { verdict, journal, done } = await runOnFake({
    observed: (entry, { log }) => {
      if (entry.kind === 'step-started' && entry.stepId === '1-run-pod') log('level=info msg=running\n');
    },
  });
  expect(withoutTime(journal)).toEqual(
    ended([
      ...WITH_NODE,
      { kind: 'step-started', stepId: '1-run-pod' },
      capture('1-run-pod', 'web.attempts', '1'),
      command('1-run-pod', ['crictl', 'runp', '/lab/pods/web.json'], { pod: 'web' }, `${ID}\n`),
      capture('1-run-pod', 'web.id', ID),
      ...look('1-run-pod', READY, 'level=info msg=running\n'),
      capture('1-run-pod', 'web.ip', '10.88.0.2'),
      { kind: 'step-ended', stepId: '1-run-pod' },
      { kind: 'step-started', stepId: '2-stop-pod' },
      command('2-stop-pod', ['crictl', 'stopp', ID], { pod: 'web', id: ID }),
      ...look('2-stop-pod', STOPPED),
      { kind: 'step-ended', stepId: '2-stop-pod' },
      { kind: 'usage', usage: { cpuMs: 5 } },
    ]),
  );
  expect(verdict.outcome).toBe('pass');
  expect(done).toEqual([
    'remove /opt/cni/bin',
    'write /etc/containerd/config.toml',
    'write /etc/crictl.yaml',
    'link /usr/local/bin/containerd to /lab/artifacts/containerd/bin/containerd',
    'link /usr/local/bin/runc to /lab/artifacts/runc/bin/runc',
    'link /usr/local/bin/crictl to /lab/artifacts/crictl/bin/crictl',
    'start /usr/local/bin/containerd',
    'ctr --namespace k8s.io images import /lab/artifacts/pause-image/pause.tar',
    'write /lab/pods/web.json',
    'crictl runp /lab/pods/web.json',
    `crictl stopp ${ID}`,
    'end',
  ]);
});

test('a pod that does not start fails the run, and its node is taken down', async () => {
  const { verdict, journal, done } = await runOnFake({
    run: { ...RUN, steps: RUN.steps.slice(0, 1) },
    looks: [state()],
    exec: (argv) => (argv[1] === 'runp' ? { exitCode: 1, stderr: 'level=fatal msg="no room"\n' } : {}),
  });
  expect(verdict.outcome).toBe('fail');
  const failed = verdict.findings.filter(({ outcome }) => outcome === 'fail');
  expect(failed.map(({ check, stepId }) => [check, stepId])).toEqual([['ok', '1-run-pod']]);
  expect(journal.at(-1)).toMatchObject({ kind: 'run-ended' });
  expect(done.at(-1)).toBe('end');
});

test('if a component of the node is not available, no node is started', async () => {
  const { verdict, journal, done } = await runOnFake({
    options: { parts: () => Promise.reject(new LabError('runc 1.1.15 is not available')) },
  });
  const during = 'bringing what the node is made of';
  const failure = { kind: 'lab-failure', during, message: 'runc 1.1.15 is not available' };
  expect(withoutTime(journal)).toEqual(ended([BEGINNING[0], failure]));
  expect({ outcome: verdict.outcome, done }).toEqual({ outcome: 'inconclusive', done: [] });
});

test('a node that does not start leaves nothing to take down', async () => {
  const { verdict, journal, done } = await runOnFake({
    start: () => {
      throw new LabError('no room for a node');
    },
  });
  const failure = { kind: 'lab-failure', during: 'starting node lab-fake', message: 'no room for a node' };
  expect(withoutTime(journal)).toEqual(ended([...BEGINNING, failure]));
  expect({ outcome: verdict.outcome, done }).toEqual({ outcome: 'inconclusive', done: [] });
});

test('where the host has no instance of inotify left, the failure says what to do', async () => {
  const { verdict } = await runOnFake({
    start: () => {
      throw new LabError('cannot watch: too many open files');
    },
  });
  expect(verdict.outcome).toBe('inconclusive');
  expect(JSON.stringify(verdict)).toContain(
    'cannot watch: too many open files; the host has no instance of inotify left: raise fs.inotify.max_user_instances',
  );
});

test('a bug in a step is reported with its stack, and the node is taken down', async () => {
  const { verdict, journal, done } = await runOnFake({
    exec: (argv) => {
      if (argv[1] === 'runp') throw new TypeError('of undefined');
      return {};
    },
  });
  expect(journal.at(-2)).toMatchObject({
    kind: 'lab-failure',
    during: 'the steps',
    message: expect.stringMatching(/^a bug in the lab: TypeError: of undefined\n +at /) as string,
  });
  expect({ outcome: verdict.outcome, last: done.at(-1) }).toEqual({ outcome: 'inconclusive', last: 'end' });
});

test('an interruption ends the steps, and the journal has its reason', async () => {
  const interruption = new AbortController();
  const { verdict, journal, done } = await runOnFake({
    options: { signal: interruption.signal },
    observed: ({ kind }) => {
      if (kind === 'step-started') interruption.abort('SIGINT');
    },
  });
  expect(withoutTime(journal).slice(-2)).toEqual([
    { kind: 'interrupted', by: 'SIGINT' },
    { kind: 'run-ended', entries: journal.length },
  ]);
  expect(journal.filter(({ kind }) => kind === 'step-started')).toHaveLength(1);
  expect({ outcome: verdict.outcome, last: done.at(-1) }).toEqual({ outcome: 'inconclusive', last: 'end' });
});

test('a node that cannot be taken down is in the journal and in the verdict', async () => {
  const { verdict, journal } = await runOnFake({ end: () => Promise.reject(new LabError('it is busy')) });
  expect(journal.at(-2)).toMatchObject({
    kind: 'cleanup-failure',
    what: 'end node lab-fake',
    message: 'it is busy',
  });
  expect(verdict.outcome).toBe('inconclusive');
});

test('a kept node is not taken down', async () => {
  const { verdict, done } = await runOnFake({ options: { keep: true } });
  expect({ outcome: verdict.outcome, done: done.slice(-1) }).toEqual({ outcome: 'pass', done: ['keep'] });
});

test('a runtime that ends by itself between two steps fails the run', async () => {
  const { verdict, journal } = await runOnFake({
    observed: (entry, { endProcess }) => {
      if (entry.kind === 'step-ended' && entry.stepId === '1-run-pod') endProcess('SIGSEGV');
    },
  });
  expect(journal.filter(({ kind }) => kind === 'runtime-ended')).toEqual([
    expect.objectContaining({ asked: false, exitCode: null, signal: 'SIGSEGV' }),
  ]);
  expect(verdict.outcome).toBe('fail');
  expect(verdict.findings.map(({ check }) => check)).toContain('runtime');
});

test('a record that cannot be written ends the run, which then does not pass', async () => {
  const broken = new AbortController();
  const { verdict, done } = await runOnFake({
    options: {
      record: {
        broken: broken.signal,
        observed: ({ kind }) => {
          if (kind === 'step-started') broken.abort(new LabError('/out cannot be written'));
        },
        judged: () => undefined,
      },
    },
  });
  expect(verdict.outcome).toBe('inconclusive');
  expect(done.at(-1)).toBe('end');
});

/** How a node gets its images from a packed store, whether it can be unpacked or not. */
async function doneForImages(exitCode: number): Promise<readonly string[]> {
  const plugins = { overrides: [] };
  const parts = { ...PROGRAMS, plugins, images: [IMAGE], later: [], imageStore: fakeArtifact('image-store') };
  const { verdict, done } = await runOnFake({
    exec: (argv) => (argv[0] === 'tar' ? { exitCode } : works(argv)),
    options: { parts: async () => parts },
  });
  expect(verdict.outcome).toBe('pass');
  return done.filter((one) => /tar|ctr|\/var\/lib\/containerd/.test(one) && !one.startsWith('start '));
}

const UNPACK = 'tar --extract --directory /var/lib/containerd --file /lab/artifacts/image-store/store.tar';
const IMPORT = 'ctr --namespace k8s.io images import /lab/artifacts/pause-image/pause.tar';

test('packed images are unpacked and not imported', async () => {
  expect(await doneForImages(0)).toEqual([
    'write /var/lib/containerd/.store',
    UNPACK,
    'remove /var/lib/containerd/.store',
  ]);
});

test('a store that cannot be unpacked is removed, and the images are imported', async () => {
  expect(await doneForImages(2)).toEqual([
    'write /var/lib/containerd/.store',
    UNPACK,
    'remove /var/lib/containerd',
    IMPORT,
  ]);
});

import type { NodeState, StateItem, StateKind, RuntimeState } from '../../lab/core/node-state.ts';
import type { CommandResult } from '../../lab/core/ports.ts';
import type { JournalEntry, Observation } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import type { Control, Expectation, LogExpectation, TextExpectation } from '../../lab/spec/scenario.ts';

/** Builders of a plan and of the journal of its run, as short as possible for tests. */
export const at = (line: number) => ({ file: 'web.yaml', line, column: 5 });

export const expecting = (expect: Partial<Expectation> = {}): Expectation => ({
  place: at(20),
  log: [],
  noLog: [],
  ...expect,
});

export const exactly = (exact: string): TextExpectation => ({ exact, place: at(21) });

export const line = (message: string, more: Partial<LogExpectation> = {}): LogExpectation => ({
  message: exactly(message),
  fields: {},
  place: at(22),
  ...more,
});

export const runPod: PlannedAction = { do: 'run-pod', pod: 'web' };
export const stopPod: PlannedAction = { do: 'stop-pod', pod: 'web' };

export interface PlannedRun {
  readonly title?: string;
  readonly cell?: Readonly<Record<string, string>>;
  readonly control?: Control;
  /** each step with its expectation, and its name if it runs in the background */
  readonly steps?: readonly (readonly [PlannedAction, (Expectation | undefined)?, string?])[];
  readonly end?: Expectation;
}

/** Steps are named `1-run-pod`, `2-stop-pod`, as in a plan. */
export function planned({ title = 'web', cell = {}, control, steps = [], end }: PlannedRun): RunPlan {
  const component = (name: 'runc' | 'crictl', version: string) => ({
    component: name,
    version,
  });
  return {
    title,
    slug: title.replaceAll(/[ =]/g, '-'),
    scenario: { name: title.split(' ')[0] ?? '', summary: 'a pod', place: at(1) },
    ...(control === undefined ? {} : { control }),
    cell,
    nodes: [
      {
        runtime: { component: 'containerd', version: '1.6.3' },
        runc: component('runc', '1.1.15'),
        crictl: component('crictl', '1.25.0'),
        plugins: { overrides: [] },
        runtimeConfig: {},
        cniConfig: [],
        files: [],
        ...(end === undefined ? {} : { end }),
      },
    ],
    pods: [],
    steps: steps.map(([action, expect, background], index) => ({
      id: `${index + 1}-${action.do}`,
      place: at(10 + index),
      action,
      ...(background === undefined ? {} : { background }),
      timeoutMs: 10_000,
      expect: expect ?? expecting(),
    })),
  };
}

export const item = (
  kind: StateKind,
  name: string,
  detail?: Readonly<Record<string, string>>,
): StateItem => ({
  kind,
  name,
  ...(detail === undefined ? {} : { detail }),
});

/** A network with a bridge and host ports, as most nodes have. */
export const CONFLIST = JSON.stringify({
  cniVersion: '1.0.0',
  name: 'net',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }], [{ subnet: 'fd00:0::/64' }]] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

export const state = (items: readonly StateItem[] = [], unseen: NodeState['unseen'] = []): NodeState => ({
  items,
  unseen,
  conflists: [CONFLIST],
});

export const sandbox = (id: string, detail: Readonly<Record<string, string>> = {}): StateItem =>
  item('sandbox', id, { podName: 'web', state: 'ready', ips: '10.88.0.2', ...detail });

export function result(argv: readonly string[], more: Partial<CommandResult> = {}): CommandResult {
  return {
    argv,
    exitCode: 0,
    signal: null,
    stdout: '',
    stderr: '',
    durationMs: 100,
    timedOut: false,
    ...more,
  };
}

/**
 * What crictl prints when the runtime returns an error, in the form of 1.23. See the tests of judge/crictl-error.ts.
 */
export const crictlError = (message: string): string =>
  `time="2022-05-01T00:00:00Z" level=fatal msg=${JSON.stringify(`run pod sandbox: rpc error: code = Unknown desc = ${message}`)}\n`;

export interface TakenStep {
  readonly seen?: readonly Observation[];
  readonly log?: string;
  readonly state?: NodeState;
  readonly runtime?: RuntimeState;
}

/** The journal of a run that ended: a step's observations, its log and its look, in the lab's own order. */
export function journalOf(
  run: RunPlan,
  {
    start = state(),
    startLog = '',
    afterStart = [],
    steps = [],
    after = [],
  }: {
    readonly start?: NodeState;
    readonly startLog?: string;
    readonly afterStart?: readonly Observation[];
    readonly steps?: readonly TakenStep[];
    readonly after?: readonly Observation[];
  } = {},
): readonly JournalEntry[] {
  const look = (
    stepId: string,
    { log = '', state: seen = state(), runtime = 'running' }: TakenStep,
  ): readonly Observation[] => [
    { kind: 'runtime-log', stepId, text: log },
    { kind: 'look', stepId, state: seen, runtime },
  ];
  const all: readonly Observation[] = [
    {
      kind: 'run-started',
      formatVersion: 3,
      labVersion: '0.1.0',
      time: '2026-01-01T00:00:00.000Z',
      backend: 'bare',
      host: {},
    },
    ...STARTS,
    ...afterStart,
    ...look('start', { log: startLog, state: start }),
    ...run.steps.flatMap(({ id: stepId, action }, index): readonly Observation[] => {
      const taken = steps[index] ?? {};
      const seen = taken.seen ?? did(action, stepId);
      return [
        { kind: 'step-started', stepId },
        ...alsoSeen(action, stepId, seen),
        ...seen,
        ...look(stepId, taken),
        { kind: 'step-ended', stepId },
      ];
    }),
    ...after,
  ];
  const ended: Observation = { kind: 'run-ended', entries: all.length + 1 };
  let atMs = -10;
  return [...all, ended].map((observation) => ({
    ...observation,
    atMs: BESIDES.includes(observation.kind) ? Math.max(0, atMs) : (atMs += 10),
  }));
}

/** Kinds that take no time in these journals. */
const BESIDES: readonly Observation['kind'][] = ['artifact', 'node-ready', 'capture'];

const STARTS: readonly Observation[] = [
  {
    kind: 'artifact',
    name: 'containerd',
    version: '1.6.3',
    source: 'gomod',
    key: 'k',
    madeBy: 'go 1.26',
  },
  { kind: 'node-ready', name: 'lab-1', nodeMs: 20, runtimeMs: 90, runtimeVersion: '1.6.3' },
];

/** What the lab records for a step that succeeds. */
export function did(action: PlannedAction, stepId: string): readonly Observation[] {
  const waited = (what: string): Observation => ({
    kind: 'waited',
    stepId,
    what,
    met: true,
    timedOut: false,
    lastSeen: '',
    waitedMs: 1,
  });
  const end: Observation = {
    kind: 'runtime-ended',
    stepId,
    asked: true,
    exitCode: 0,
    signal: null,
  };
  const files: Observation = { kind: 'files', stepId, written: ['/etc/motd'], removed: [], absent: [] };
  switch (action.do) {
    case 'stop-listed-pods':
    case 'remove-listed-pods':
      return [];
    case 'write-files':
    case 'remove-files':
    case 'write-cni-config':
    case 'remove-cni-config':
    case 'install-plugins':
    case 'remove-plugins':
    case 'fake-plugin':
      return [files];
    case 'stop-runtime':
    case 'kill-runtime':
      return [end, waited('containerd to end')];
    case 'reboot':
      return [end, waited('the end of all processes'), waited('containerd to answer')];
    case 'replace-runtime':
      return [end, waited('containerd to end'), files, waited('containerd to answer')];
    case 'start-runtime':
    case 'wait-for':
    case 'parallel':
    case 'kill':
      return [waited('containerd to answer')];
    default:
      return [ran(stepId, result([action.do]))];
  }
}

/** What the lab captures in a step, if a test does not set it itself. */
function alsoSeen(
  action: PlannedAction,
  stepId: string,
  seen: readonly Observation[],
): readonly Observation[] {
  const capture = (name: string, value: string): Observation => ({ kind: 'capture', stepId, name, value });
  if (action.do === 'run-pod') return [capture(`${action.pod}.attempts`, '1')];
  if (action.do !== 'create-container') return [];
  const name = `${action.container}.id`;
  return seen.some((one) => one.kind === 'capture' && one.name === name)
    ? []
    : [capture(name, 'c'.repeat(64))];
}

export const ran = (
  stepId: string,
  one: CommandResult,
  more: { readonly id?: string } = {},
): Observation => ({
  kind: 'command',
  stepId,
  ...more,
  result: one,
});

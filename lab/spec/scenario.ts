import { type RuntimeName, DEFAULT_RUNTIME } from '../core/components.ts';
import type {
  NodeLimits,
  StateKind,
  SystemCalls,
  ContainerState,
  PodState,
  RuntimeState,
} from '../core/node-state.ts';
import type { Content } from '../core/content.ts';
import type { NetnsChange } from '../core/recorded.ts';
import type { FakePlugin } from '../core/fake-plugin.ts';
import type { Place } from './diagnostic.ts';
import type { LimitName } from './limits.ts';
import type { Action } from './verbs/verbs.ts';
import type { WrittenObject } from './written-json.ts';

/**
 * What a scenario file says, checked and typed. Texts may still hold `${matrix.AXIS}`, filled in by the plan, and
 * captures such as `${web.id}`, filled in by the judge (and by steps that need them) from what was seen.
 */
export interface Scenario {
  readonly place: Place;
  /** the whole file, for showing lines of it */
  readonly text: string;
  /** the texts of the files that it includes, by their names */
  readonly included: Readonly<Record<string, string>>;
  readonly name: string;
  readonly summary: string;
  /** what was found, for docs/findings.md: also where a document says otherwise */
  readonly finding?: string;
  readonly references: readonly string[];
  /** A control is a scenario that must not pass: what it must come out as instead. */
  readonly control?: Control;
  /** in the order of the file; no axes is one run */
  readonly matrix: readonly Axis[];
  /** one without a name, or several with one each */
  readonly nodes: readonly NamedNode[];
  /** Kubernetes on these nodes; missing: they have none */
  readonly cluster?: ClusterSpec;
  readonly pods: readonly PodSpec[];
  readonly steps: readonly StepSpec[];
  /** holds at the end, after the last step; each for one node, where there are several */
  readonly expect: readonly EndExpectation[];
}

export interface NamedNode extends NodeSpec {
  readonly name?: string;
}

/** Its nodes are `control-plane`, the first node of the scenario, and the workers. */
export interface ClusterSpec {
  readonly place: Place;
  readonly kubernetes: VersionText;
  /** missing: the one that belongs to that version of Kubernetes */
  readonly etcd?: VersionText;
  readonly workers: readonly string[];
}

export interface EndExpectation extends Expectation {
  readonly on?: string;
}

export interface Axis {
  readonly axis: string;
  readonly values: readonly string[];
  /** those of the values that stand there without quotes and are no texts: numbers, true and false */
  readonly plain: readonly string[];
}

export interface Control {
  readonly outcome: 'fail' | 'inconclusive';
  /** the check that has to say so; see judge/verdict.ts */
  readonly finding: string;
  /** where: `2-connect`, `start` or `end` */
  readonly step: string;
  /** of which node, where there are several: their starts and ends are one step each */
  readonly on?: string;
  /** what it has to say: its message, or what it says came instead */
  readonly message: TextExpectation;
}

/**
 * A version as people write it, checked by `parseVersionSpec`: `1.6.3`, `gomod:1.6.3`, `debian:1.6.20`,
 * `debian:bookworm`, `local:../build/bin`, or `default` (the one in images/pins.yaml).
 */
export interface VersionText {
  readonly text: string;
  readonly place: Place;
}

export interface LimitSpec extends VersionText {
  readonly name: LimitName;
}

/** A runtime and its version. */
export interface RuntimeSpec {
  readonly name: RuntimeName;
  readonly version: VersionText;
}

export interface NodeSpec {
  readonly runtime: RuntimeSpec;
  /** The runtime in the cells that have its axis, where each cell has one of two. Both versions are then axes and nothing else. */
  readonly otherRuntime?: RuntimeSpec;
  readonly runc?: VersionText;
  readonly crictl?: VersionText;
  readonly cniPlugins: CniPluginsSpec;
  /** merged over the lab's own configuration of the runtime, table by table */
  readonly runtimeConfig?: WrittenObject;
  /** where that stands */
  readonly runtimeConfigPlace?: Place;
  /** name → content of files in /etc/cni/net.d, there before the runtime starts */
  readonly cniConfig: readonly FileSpec[];
  /** any other files, by their absolute path */
  readonly files: readonly FileSpec[];
  /** as they are in the file: each cell fills them in */
  readonly limits?: readonly LimitSpec[];
  /** of a command line or a program: they replace those of the file */
  readonly limitsOver?: NodeLimits;
  readonly systemCalls?: SystemCalls;
  /** whether plugin calls are recorded */
  readonly record?: boolean;
  /** on its start; none at all means that the runtime runs */
  readonly expect?: readonly Expectation[];
}

/**
 * One release of the standard plugins, some of them perhaps from another one, and scripted ones; `set` is missing for an empty
 * /opt/cni/bin.
 */
export interface CniPluginsSpec {
  readonly set?: VersionText;
  readonly plugins: readonly { readonly plugin: string; readonly version: VersionText }[];
  readonly fakes?: readonly FakePlugin<WrittenObject>[];
}

/**
 * `content` is written byte for byte: a literal of the file, the JSON of a YAML mapping, indented by two, or what stands in
 * a file beside the scenario.
 */
export interface FileSpec extends Content {
  readonly name: string;
  /** what the file says in place of a literal; the plan fills it in and leaves `content` alone */
  readonly mapping?: WrittenObject;
  readonly mode?: number;
  readonly place: Place;
}

export interface PodSpec {
  readonly name: string;
  readonly hostPorts: readonly {
    readonly hostPort: number;
    readonly containerPort: number;
    readonly protocol: 'tcp' | 'udp' | 'sctp';
    /** of the node; missing: all of its addresses */
    readonly hostIp?: string;
  }[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
  /** missing: `default` */
  readonly namespace?: string;
  /** missing: the name and `-uid` */
  readonly uid?: string;
  /** missing: the name, and none for a pod on the network of the node */
  readonly hostname?: string;
  /** missing: the runtime copies the resolv.conf of the node */
  readonly dns?: {
    readonly servers?: readonly string[];
    readonly searches?: readonly string[];
    readonly options?: readonly string[];
  };
  readonly sysctls?: Readonly<Record<string, string>>;
  /** what is missing is as CRI has it by default: `pid` and `ipc` of the pod, no user namespace asked for */
  readonly namespaces?: {
    readonly pid?: 'pod' | 'container' | 'node';
    readonly ipc?: 'pod' | 'node';
    readonly user?: 'pod' | 'node';
  };
  readonly runtimeHandler?: string;
}

export interface StepSpec {
  readonly place: Place;
  /** `2`; the first of those that `parallel` starts there is `2.1`, and they stand before it */
  readonly number: string;
  /** the `parallel` step that starts it, with others at the same time */
  readonly within?: Pick<StepSpec, 'number' | 'when'>;
  /** the node, where there are several */
  readonly on?: string;
  readonly action: Action;
  /** component or axis → range or value, as of an expectation; a cell that does not suit does without this step */
  readonly when?: When;
  /** it goes on under this name while later steps are taken, until one of them waits for its end or kills it */
  readonly background?: string;
  /** of the commands of this step; the default is in plan/ */
  readonly timeoutMs?: number;
  /** for readers, and shown where the step is wrong */
  readonly note?: string;
  /** For each cell exactly one of these applies. None at all means `ok: true`. */
  readonly expect: readonly Expectation[];
}

/** What `wait-for` waits for. */
export type Condition =
  | { readonly until: 'network-ready'; readonly network: NetworkExpectation }
  | { readonly until: 'pod'; readonly pod: string; readonly state: PodState }
  | { readonly until: 'container'; readonly container: string; readonly state: ContainerState }
  | { readonly until: 'log'; readonly line: LogExpectation }
  | { readonly until: 'command'; readonly argv: readonly string[] }
  | { readonly until: 'cluster'; readonly cluster: ClusterExpectation }
  | { readonly until: 'background'; readonly background: string };

/** Component or axis → range (`>=1.6.0 <1.6.4`) or the very text of a value. */
export type When = Readonly<Record<string, string>>;

/** What must be so after a step, or at the end; what is not mentioned is not looked at. */
export interface Expectation {
  readonly place: Place;
  /** component or axis → range (`>=1.6.0 <1.6.4`) or the very text of the value; all must hold. Missing: always. */
  readonly when?: When;
  readonly ok?: boolean;
  readonly error?: TextExpectation;
  /** standard output of the step's command, without the line break at its end */
  readonly output?: TextExpectation;
  readonly exitCode?: number;
  /** the step runs into its own limit, so that there is no answer */
  readonly timedOut?: boolean;
  /** how the runtime is afterwards; missing: as the steps of the file have left it */
  readonly runtime?: RuntimeState;
  readonly networkReady?: NetworkExpectation;
  /** on the pod of the step: shorthand for `pods` with its name */
  readonly pod?: PodExpectation;
  readonly pods?: 'none' | Readonly<Record<string, PodExpectation>>;
  /** on the container of the step: shorthand for `containers` with its name */
  readonly container?: ContainerExpectation;
  readonly containers?: Readonly<Record<string, ContainerExpectation>>;
  readonly leftBehind?: LeftBehindExpectation;
  readonly log: readonly LogExpectation[];
  readonly noLog: readonly LogExpectation[];
  /** of plugins: each one that has no number needs a call of its own, in any order */
  readonly calls?: readonly CallExpectation[];
  readonly noCalls?: readonly CallExpectation[];
  /** each starts later than the one before; others may lie between */
  readonly callOrder?: readonly CallExpectation[];
  /** of the cluster, as its API server says it */
  readonly cluster?: ClusterExpectation;
  /** how names in /run/netns came and went, one after the other */
  readonly netns?: { readonly place: Place; readonly changes: readonly NetnsChange['change'][] };
}

/** A cluster as its API server has it; what is not mentioned may be anything. */
export interface ClusterExpectation {
  readonly place: Place;
  readonly nodes: Readonly<Record<string, ClusterNodeExpectation>>;
  /** by their label `app`, in all namespaces */
  readonly pods: Readonly<Record<string, ClusterPodsExpectation>>;
  /** since the start of the cluster */
  readonly events: readonly EventExpectation[];
  readonly noEvents: readonly EventExpectation[];
}

export interface ClusterNodeExpectation {
  readonly place: Place;
  /** the status of its Ready condition */
  readonly ready?: 'True' | 'False' | 'Unknown';
  readonly reason?: TextExpectation;
  readonly message?: TextExpectation;
  readonly schedulable?: boolean;
  /** `containerd://1.6.4` */
  readonly runtimeVersion?: string;
}

export interface ClusterPodsExpectation {
  readonly place: Place;
  /** how many there are, those that are being deleted included */
  readonly count?: number;
  /** how many of them are Ready and not being deleted */
  readonly ready?: number;
  readonly terminating?: number;
  /** how many of them are on each node; on a node that is not named there are none */
  readonly on?: Readonly<Record<string, number>>;
}

/** An event as far as a file describes it. */
export interface EventExpectation {
  readonly place: Place;
  /** the name of its object, or the beginning of the name up to a hyphen: `web` is also of the pod web-6d4cf56db6-x7x2p */
  readonly about?: string;
  readonly type?: 'Normal' | 'Warning';
  readonly reason?: string;
  readonly message?: TextExpectation;
  /** how often it happened in all; missing: at least once */
  readonly times?: number;
}

/** Exact, or (rarely, and saying why) a part. Captures stand in either. */
export type TextExpectation =
  | { readonly exact: string; readonly place: Place }
  | { readonly contains: string; readonly why: string; readonly place: Place };

/** CRI's NetworkReady condition. Only one that is not ready has a reason and a message. */
export interface NetworkExpectation {
  readonly place: Place;
  readonly ready: boolean;
  readonly reason?: TextExpectation;
  readonly message?: TextExpectation;
}

export interface PodExpectation {
  readonly state?: PodState;
  /** how many, or which ones exactly, in CRI's order */
  readonly ips?: number | readonly string[];
  /** of what there is and was not at the start, that which belongs to this pod */
  readonly leftBehind?: LeftBehindExpectation;
  /** keys of the pod that the runtime does not know, and has dropped; of the run of a pod, missing is none */
  readonly ignored?: readonly string[];
}

/** A container as CRI says that it is; of several of one name, the one that was created last. */
export interface ContainerExpectation {
  readonly place: Place;
  readonly state?: ContainerState;
  /** of one that has exited */
  readonly exitCode?: number;
  readonly reason?: TextExpectation;
  readonly message?: TextExpectation;
  /** how often it was created again: CRI's attempt */
  readonly restarts?: number;
  /** keys of the container that the runtime does not know, and has dropped; of its creation, missing is none */
  readonly ignored?: readonly string[];
}

/**
 * What is there and was not at the start. `none`: nothing of any kind. A map: what it names exactly, and nothing of
 * any kind that it does not name. What plugins share between pods and keep by design (`shared`: the bridge, portmap's
 * top chains, host-local's bookkeeping) counts only where `shared` is named.
 */
export type LeftBehindExpectation =
  | { readonly none: true; readonly place: Place }
  | {
      readonly none: false;
      readonly kinds: Readonly<Partial<Record<StateKind | 'shared', number | readonly string[]>>>;
      readonly place: Place;
    };

/** A call of a plugin, as far as a file describes it. What is not mentioned may be anything. */
export interface CallExpectation {
  readonly place: Place;
  readonly plugin?: string;
  readonly verb?: string;
  /** the plugin that made the call, or `none` */
  readonly within?: string;
  /** the name of the process that made it */
  readonly by?: string;
  /** how many such calls there are; missing: one at least, which is no other entry's */
  readonly times?: number;
  readonly env: Readonly<Record<string, TextExpectation>>;
  /** variables that are not set */
  readonly noEnv: readonly string[];
  /** where CNI_NETNS leads to; `none`: it names nothing */
  readonly netns?: 'present' | 'missing' | 'none';
  /** keys of the configuration, whose texts are templates; it may have others */
  readonly input?: WrittenObject;
  /** paths of keys that it does not have: `ipam.dns` */
  readonly noInput: readonly string[];
  readonly output?: WrittenObject;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly error?: {
    readonly code?: number;
    readonly message?: TextExpectation;
    readonly details?: TextExpectation;
  };
  readonly stderr?: TextExpectation;
  readonly ended?: boolean;
}

export interface LogExpectation {
  readonly level?: string;
  readonly message: TextExpectation;
  readonly fields: Readonly<Record<string, string>>;
  readonly place: Place;
}

export interface NodeByHand {
  readonly summary: string;
  /** whose words the versions and files are, for messages; `local:` paths are meant from its folder */
  readonly place: Place;
  /** what is not said is as in a file that does not say it, with all standard plugins */
  readonly node: Partial<NodeSpec>;
}

/** A scenario without steps, which says what is on a node that is worked with by hand. */
export function scenarioOfNode({ summary, place, node }: NodeByHand): Scenario {
  const version = { text: 'default', place };
  return {
    place,
    text: '',
    included: {},
    name: 'by-hand',
    summary,
    references: [],
    matrix: [],
    nodes: [
      {
        runtime: { name: DEFAULT_RUNTIME, version },
        cniPlugins: { set: version, plugins: [] },
        cniConfig: [],
        files: [],
        ...node,
      },
    ],
    pods: [],
    steps: [],
    expect: [],
  };
}

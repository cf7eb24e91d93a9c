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
 * The content of a scenario file, checked and typed. Texts may still contain `${matrix.AXIS}`, which the plan fills in.
 * They may contain captures such as `${web.id}`, which the judge, and steps that need them, fill in with observed
 * values.
 */
export interface Scenario {
  readonly place: Place;
  /** the complete file, to show lines of it */
  readonly text: string;
  /** the texts of the files that it includes, by name */
  readonly included: Readonly<Record<string, string>>;
  readonly name: string;
  readonly summary: string;
  /** what was found, for docs/findings.md; also if a document says something else */
  readonly finding?: string;
  readonly references: readonly string[];
  /** A control is a scenario that must not pass. This is the required result. */
  readonly control?: Control;
  /** in the order of the file; without axes there is one run */
  readonly matrix: readonly Axis[];
  /** one node without a name, or several nodes with names */
  readonly nodes: readonly NamedNode[];
  /** Kubernetes on these nodes; missing: they have none */
  readonly cluster?: ClusterSpec;
  readonly pods: readonly PodSpec[];
  readonly steps: readonly StepSpec[];
  /** expectations at the end, after the last step; one for each node if there are several */
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
  /** values that are written without quotes and are not texts: numbers, true and false */
  readonly plain: readonly string[];
}

export interface Control {
  readonly outcome: 'fail' | 'inconclusive';
  /** the check of the required finding; see judge/verdict.ts */
  readonly finding: string;
  /** the step of the finding: `2-connect`, `start` or `end` */
  readonly step: string;
  /** the node, if there are several, because each has its own start and end */
  readonly on?: string;
  /** the required message, or the required description of what was observed instead */
  readonly message: TextExpectation;
}

/**
 * A version as users write it, checked by `parseVersionSpec`: `1.6.3`, `gomod:1.6.3`, `debian:1.6.20`,
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
  /**
   * The runtime in the cells that have its axis, if each cell has one of two runtimes. Both versions are then only
   * references to axes.
   */
  readonly otherRuntime?: RuntimeSpec;
  readonly runc?: VersionText;
  readonly crictl?: VersionText;
  readonly cniPlugins: CniPluginsSpec;
  /** merged over the lab's own configuration of the runtime, table by table */
  readonly runtimeConfig?: WrittenObject;
  /** its place in the file */
  readonly runtimeConfigPlace?: Place;
  /** name → content of files in /etc/cni/net.d that exist before the runtime starts */
  readonly cniConfig: readonly FileSpec[];
  /** any other files, by absolute path */
  readonly files: readonly FileSpec[];
  /** archives of images, by paths relative to the file */
  readonly images?: readonly VersionText[];
  /** as in the file; each cell fills them in */
  readonly limits?: readonly LimitSpec[];
  /** from a command line or a program; they replace those of the file */
  readonly limitsOver?: NodeLimits;
  readonly systemCalls?: SystemCalls;
  /** whether plugin calls are recorded */
  readonly record?: boolean;
  /** for its start; if missing, the runtime must run */
  readonly expect?: readonly Expectation[];
}

/**
 * One release of the standard plugins, of which some may come from another release, and scripted plugins. `set` is
 * missing for an empty /opt/cni/bin.
 */
export interface CniPluginsSpec {
  readonly set?: VersionText;
  readonly plugins: readonly { readonly plugin: string; readonly version: VersionText }[];
  readonly fakes?: readonly FakePlugin<WrittenObject>[];
}

/**
 * `content` is written byte for byte: a literal text of the file, the JSON of a YAML mapping with an indent of two, or
 * the content of a file next to the scenario.
 */
export interface FileSpec extends Content {
  readonly name: string;
  /** the mapping in the file, if it is not a literal text; the plan fills it in and does not change `content` */
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
    /** an address of the node; missing: all of its addresses */
    readonly hostIp?: string;
  }[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
  /** missing: `default` */
  readonly namespace?: string;
  /** missing: the name and `-uid` */
  readonly uid?: string;
  /** missing: the name, or none for a pod in the network of the node */
  readonly hostname?: string;
  /** missing: the runtime copies the resolv.conf of the node */
  readonly dns?: {
    readonly servers?: readonly string[];
    readonly searches?: readonly string[];
    readonly options?: readonly string[];
  };
  readonly sysctls?: Readonly<Record<string, string>>;
  /** missing fields have the default of CRI: `pid` and `ipc` of the pod, no user namespace */
  readonly namespaces?: {
    readonly pid?: 'pod' | 'container' | 'node';
    readonly ipc?: 'pod' | 'node';
    readonly user?: 'pod' | 'node';
  };
  readonly runtimeHandler?: string;
}

export interface StepSpec {
  readonly place: Place;
  /** `2`; the steps that it starts as `parallel` are `2.1` and so on, and come before it */
  readonly number: string;
  /** the `parallel` step that starts it together with others */
  readonly within?: Pick<StepSpec, 'number' | 'when'>;
  /** the node, if there are several */
  readonly on?: string;
  readonly action: Action;
  /** component or axis → range or value, as in an expectation; a cell that does not match has no such step */
  readonly when?: When;
  /** it continues with this name while later steps are executed, until one of them waits for its end or kills it */
  readonly background?: string;
  /** of the commands of this step; the default is in plan/ */
  readonly timeoutMs?: number;
  /** for readers; shown if the step is wrong */
  readonly note?: string;
  /** Exactly one of these applies to each cell. An empty list means `ok: true`. */
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

/** Component or axis → range (`>=1.6.0 <1.6.4`) or the exact value. */
export type When = Readonly<Record<string, string>>;

/** What must be true after a step, or at the end. What is not mentioned is not checked. */
export interface Expectation {
  readonly place: Place;
  /** component or axis → range (`>=1.6.0 <1.6.4`) or the exact value; all must match. Missing: always. */
  readonly when?: When;
  readonly ok?: boolean;
  readonly error?: TextExpectation;
  /** standard output of the command of the step, without the line break at its end */
  readonly output?: TextExpectation;
  readonly exitCode?: number;
  /** the step runs into its own limit, so there is no answer */
  readonly timedOut?: boolean;
  /** the state of the runtime afterwards; missing: as the steps of the file have left it */
  readonly runtime?: RuntimeState;
  readonly networkReady?: NetworkExpectation;
  /** for the pod of the step; short for `pods` with its name */
  readonly pod?: PodExpectation;
  readonly pods?: 'none' | Readonly<Record<string, PodExpectation>>;
  /** for the container of the step; short for `containers` with its name */
  readonly container?: ContainerExpectation;
  readonly containers?: Readonly<Record<string, ContainerExpectation>>;
  readonly leftBehind?: LeftBehindExpectation;
  readonly log: readonly LogExpectation[];
  readonly noLog: readonly LogExpectation[];
  /** of plugins; each entry without `times` needs a different call, in any order */
  readonly calls?: readonly CallExpectation[];
  readonly noCalls?: readonly CallExpectation[];
  /** each starts later than the previous one; other calls may be between them */
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

/** The NetworkReady condition of CRI. It only has a reason and a message if it is not ready. */
export interface NetworkExpectation {
  readonly place: Place;
  readonly ready: boolean;
  readonly reason?: TextExpectation;
  readonly message?: TextExpectation;
}

export interface PodExpectation {
  readonly state?: PodState;
  /** how many, or the exact addresses in the order of CRI */
  readonly ips?: number | readonly string[];
  /** the part that belongs to this pod of what exists now and did not exist at the start */
  readonly leftBehind?: LeftBehindExpectation;
  /** keys of the pod that the runtime does not know and has ignored; missing on the step that runs the pod: none */
  readonly ignored?: readonly string[];
}

/** The state of a container that CRI reports. If several have one name, the most recently created one counts. */
export interface ContainerExpectation {
  readonly place: Place;
  readonly state?: ContainerState;
  /** only if it has exited */
  readonly exitCode?: number;
  readonly reason?: TextExpectation;
  readonly message?: TextExpectation;
  /** how often it was created again: the attempt in CRI */
  readonly restarts?: number;
  /** keys of the container that the runtime does not know and has ignored; missing on the step that creates it: none */
  readonly ignored?: readonly string[];
}

/**
 * What exists now and did not exist at the start. `none`: nothing of any kind. A mapping: exactly what it lists, and
 * nothing of other kinds. What plugins share between pods and keep on purpose (`shared`: the bridge, the top chains of
 * portmap, the bookkeeping of host-local) only counts if `shared` is listed.
 */
export type LeftBehindExpectation =
  | { readonly none: true; readonly place: Place }
  | {
      readonly none: false;
      readonly kinds: Readonly<Partial<Record<StateKind | 'shared', number | readonly string[]>>>;
      readonly place: Place;
    };

/** A call of a plugin, as far as a file describes it. Parts that are not mentioned can have any value. */
export interface CallExpectation {
  readonly place: Place;
  readonly plugin?: string;
  readonly verb?: string;
  /** the plugin that made the call, or `none` */
  readonly within?: string;
  /** the name of the process that made it */
  readonly by?: string;
  /** the number of such calls; missing: at least one, which is not used for another entry */
  readonly times?: number;
  readonly env: Readonly<Record<string, TextExpectation>>;
  /** variables that are not set */
  readonly noEnv: readonly string[];
  /** what CNI_NETNS leads to; `none`: it is not set */
  readonly netns?: 'present' | 'missing' | 'none';
  /** keys of the configuration, whose texts are templates; it can have other keys too */
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
  /** the source of the versions and files, for messages; `local:` paths are relative to its folder */
  readonly place: Place;
  /** missing fields have their defaults, and all standard plugins are installed */
  readonly node: Partial<NodeSpec>;
}

/** A scenario without steps that describes a node for manual use. */
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

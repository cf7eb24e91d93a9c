import type {
  ComponentName,
  ComponentRef,
  PluginsPlan,
  RuntimeName,
  RuntimeRef,
} from '../../core/components.ts';
import type { Content } from '../../core/content.ts';
import type { FakeScript } from '../../core/fake-plugin.ts';
import type { Subject } from '../mention.ts';
import type {
  ClusterExpectation,
  CniPluginsSpec,
  FileSpec,
  LogExpectation,
  NetworkExpectation,
  VersionText,
} from '../scenario.ts';
import type { Shape } from '../shape.ts';
import type { WrittenObject } from '../written-json.ts';

/**
 * What the journal always has of a step that was taken. `command for each listed pod`: each pod that the look before has seen.
 * `runtime end` and `runtime start`: a wait for it, and how the runtime is from then on; nothing follows one that was in vain.
 * `reboot`: a wait for it, and the end of a runtime that ran before.
 */
export type Recorded =
  'command' | 'command for each listed pod' | 'files' | 'wait' | 'runtime end' | 'runtime start' | 'reboot';

/** What a plan makes of what a file says, for one cell of the matrix. */
export interface CellValues {
  /** a text that refers to the matrix only: what comes out is what it says */
  readonly final: (text: string) => string;
  /** a text that may also refer to pods and containers: what comes out is a template still */
  readonly template: (text: string) => string;
  readonly file: (file: FileSpec) => FileSpec;
  readonly logLine: (line: LogExpectation) => LogExpectation;
  readonly network: (network: NetworkExpectation) => NetworkExpectation;
  readonly cluster: (cluster: ClusterExpectation) => ClusterExpectation;
  /** the node's runtime, at another version */
  readonly runtime: (version: VersionText) => RuntimeRef;
  readonly plugins: (plugins: CniPluginsSpec) => PluginsPlan;
  readonly fake: (script: FakeScript<WrittenObject>) => FakeScript;
}

/**
 * All of a verb but what it does to a node, which is in lab/steps/. `Fields`: what a file says after the verb; `Planned`: the
 * same in a plan.
 */
export interface VerbSpec<Fields extends object, Planned extends object = Fields> {
  /** what stands after the verb in a file; missing where that is steps, which step-shape.ts reads */
  readonly shape?: Shape<Fields>;
  readonly recorded: readonly Recorded[];
  /** only a runtime that runs can answer it */
  readonly needsRuntime?: true;
  /** what comes into being by it, under the name that `pod` or `container` gives */
  readonly makes?: Subject;
  /** where a step takes longer than others: its limit if the file gives none */
  readonly timeoutMs?: number;

  /** Fills in the matrix; what a step fills in by itself stays a template. */
  plan(fields: Fields, cell: CellValues): Planned;
  /** What it is about, for people who read a plan. */
  describe(fields: Planned): string;

  /** the pod of the step, which is what `expect: { pod: … }` speaks of */
  pod?(fields: Fields & Planned): string;
  /** the container that it makes or acts on */
  container?(fields: Fields & Planned): string | undefined;
  /** pods that it names beside its own */
  otherPods?(fields: Fields & Planned): readonly string[];

  /** the step in the background that it waits for or kills */
  background?(fields: Fields & Planned): string | undefined;

  /** components that it brings, as the file says their versions, to a node with this runtime */
  versions?(fields: Fields, runtime: RuntimeName): readonly (readonly [ComponentName, VersionText])[];
  /** the same, as the plan says them */
  components?(fields: Planned): readonly ComponentRef[];

  /** files that it writes, by their absolute path */
  files?(fields: Fields & Planned): readonly FileSpec[];
  /** files that it writes in /etc/cni/net.d, by name */
  cniConfig?(fields: Fields & Planned): readonly FileSpec[];
  /** programs and commands of the scenario's own, which may write more files */
  scripts?(fields: Fields & Planned): readonly Content[];
}

/** Types a spec where it stands in a table. */
export const verb = <Fields extends object, Planned extends object = Fields>(
  spec: VerbSpec<Fields, Planned>,
): VerbSpec<Fields, Planned> => spec;

/** For verbs that no axis can change. */
export const asWritten = <Fields>(fields: Fields): Fields => fields;

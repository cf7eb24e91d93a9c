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
import { nothing } from '../scalar-shapes.ts';
import type {
  ClusterExpectation,
  CniPluginsSpec,
  FileSpec,
  LogExpectation,
  NetworkExpectation,
  VersionText,
} from '../scenario.ts';
import { about, mapped, type Shape } from '../shape.ts';
import type { WrittenObject } from '../written-json.ts';

/**
 * What the journal always contains for an executed step.
 * - `command for each listed pod`: for each pod that the previous look has seen
 * - `runtime end` and `runtime start`: a wait for it, and the state of the runtime from then on; if the wait failed,
 *   nothing follows
 * - `reboot`: a wait for it, and the end of a runtime that was running
 */
export type Recorded =
  'command' | 'command for each listed pod' | 'files' | 'wait' | 'runtime end' | 'runtime start' | 'reboot';

/** How a plan converts the values of a file for one cell of the matrix. */
export interface CellValues {
  /** a text that only refers to the matrix; the result is plain text */
  readonly final: (text: string) => string;
  /** a text that can also refer to pods and containers; the result is still a template */
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
 * Everything about a verb except what it does to a node, which is in lab/steps/. `Fields`: the values in a file.
 * `Planned`: the same in a plan.
 */
export interface VerbSpec<Fields extends object, Planned extends object = Fields> {
  /** the value of the verb in a file; missing if it consists of steps, which step-shape.ts reads */
  readonly shape?: Shape<Fields>;
  readonly recorded: readonly Recorded[];
  /** it needs a running runtime */
  readonly needsRuntime?: true;
  /** what it creates, under the name from `pod` or `container` */
  readonly makes?: Subject;
  /** for verbs that take longer than others: the limit if the file specifies none */
  readonly timeoutMs?: number;

  /** Fills in the matrix. What the step fills in itself stays a template. */
  plan(fields: Fields, cell: CellValues): Planned;
  /** What it acts on, for readers of a plan. */
  describe(fields: Planned): string;

  /** the pod of the step, for `expect: { pod: … }` */
  pod?(fields: Fields & Planned): string;
  /** the container that it creates or acts on */
  container?(fields: Fields & Planned): string | undefined;
  /** pods that it uses besides its own */
  otherPods?(fields: Fields & Planned): readonly string[];

  /** the background step that it waits for or kills */
  background?(fields: Fields & Planned): string | undefined;

  /** components that it installs on a node with this runtime, with the versions in the file */
  versions?(fields: Fields, runtime: RuntimeName): readonly (readonly [ComponentName, VersionText])[];
  /** the same, with the versions in the plan */
  components?(fields: Planned): readonly ComponentRef[];

  /** files that it writes, by absolute path */
  files?(fields: Fields & Planned): readonly FileSpec[];
  /** files that it writes in /etc/cni/net.d, by name */
  cniConfig?(fields: Fields & Planned): readonly FileSpec[];
  /** programs and commands in the scenario, which may write further files */
  scripts?(fields: Fields & Planned): readonly Content[];
}

/** Adds the types of a spec in a table. */
export const verb = <Fields extends object, Planned extends object = Fields>(
  spec: VerbSpec<Fields, Planned>,
): VerbSpec<Fields, Planned> => spec;

/** For verbs that no axis can change. */
export const asWritten = <Fields>(fields: Fields): Fields => fields;

/** A verb that is written without a value, and acts on the node itself. */
export const withoutValue = (description: string, recorded: readonly Recorded[]): VerbSpec<object> => ({
  shape: about(
    description,
    mapped(nothing, () => ({})),
  ),
  recorded,
  plan: asWritten,
  describe: () => '',
});

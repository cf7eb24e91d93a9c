import type { RuntimeState } from '../../core/node-state.ts';
import { CLUSTER_VERBS } from './cluster.ts';
import { CNI_CALL_VERBS } from './cni.ts';
import { COMMAND_VERBS } from './commands.ts';
import { CONTAINER_VERBS } from './containers.ts';
import { FILE_VERBS } from './files.ts';
import { PLUGIN_VERBS } from './plugins.ts';
import { POD_VERBS } from './pods.ts';
import { RUNTIME_VERBS } from './runtime.ts';
import type { VerbSpec } from './verb-spec.ts';
import { WAITING_VERBS } from './waiting.ts';

/** Every verb, in the order in which messages and the JSON Schema list them. */
export const VERBS = {
  ...POD_VERBS,
  ...CONTAINER_VERBS,
  ...FILE_VERBS,
  ...PLUGIN_VERBS,
  ...RUNTIME_VERBS,
  ...COMMAND_VERBS,
  ...CNI_CALL_VERBS,
  ...CLUSTER_VERBS,
  ...WAITING_VERBS,
};

export type Verb = keyof typeof VERBS;

/** The action of a step in a file. `do` is its verb. */
export type Action = {
  readonly [V in Verb]: (typeof VERBS)[V] extends VerbSpec<infer Fields, infer _Planned>
    ? { readonly do: V } & Fields
    : never;
}[Verb];

/** An action in a plan: the matrix is filled in, and versions are exact components. */
export type PlannedAction = {
  readonly [V in Verb]: (typeof VERBS)[V] extends VerbSpec<infer _Fields, infer Planned>
    ? { readonly do: V } & Planned
    : never;
}[Verb];

export const isVerb = (word: string): word is Verb => Object.hasOwn(VERBS, word);

/** The spec of the verb of an action, for properties that every verb has. */
export const specOf = ({ do: verb }: { readonly do: Verb }): VerbSpec<object> => VERBS[verb];

/** Verbs whose expectations can use `${listed.id}`. */
export const LISTING_VERBS = Object.keys(VERBS)
  .filter(isVerb)
  .filter((verb) => VERBS[verb].recorded.includes('command for each listed pod'));

type AnyAction = Action | PlannedAction;

/** The pod of a step, if it has one. */
export const podOfAction = (action: AnyAction): string | undefined => specOf(action).pod?.(action);

/** The container of a step, if it has one. */
export const containerOfAction = (action: AnyAction): string | undefined =>
  specOf(action).container?.(action);

export const podMadeBy = (action: AnyAction): string | undefined =>
  specOf(action).makes === 'pod' ? podOfAction(action) : undefined;

export const containerMadeBy = (action: AnyAction): string | undefined =>
  specOf(action).makes === 'container' ? containerOfAction(action) : undefined;

/** The name that is known from this step on. */
export const madeBy = (action: AnyAction): string | undefined => podMadeBy(action) ?? containerMadeBy(action);

/** Pods and containers that must exist for a step, without those in its texts. */
export function usedBy(action: AnyAction): readonly string[] {
  const made = madeBy(action);
  const names = [
    podOfAction(action),
    containerOfAction(action),
    ...(specOf(action).otherPods?.(action) ?? []),
  ];
  return names.flatMap((name) => (name === undefined || name === made ? [] : [name]));
}

/** Whether a step runs commands, which have an output and an exit code. */
export const runsCommands = ({ do: verb }: AnyAction): boolean =>
  VERBS[verb].recorded.some((what) => what === 'command' || what === 'command for each listed pod');

/** Whether a step is only one command, so that it can run in the background. */
export const runsOneCommand = (action: AnyAction): boolean =>
  specOf(action).recorded.every((what) => what === 'command');

/** The background step that an action waits for or kills. */
export const backgroundEndedBy = (action: AnyAction): string | undefined =>
  specOf(action).background?.(action);

/** Whether a step can run into its own limit without an answer. */
export const mayTimeOut = (action: AnyAction): boolean =>
  runsCommands(action) || specOf(action).recorded.includes('wait');

/** The state in which a step leaves the runtime, if changing it is its purpose. */
export function runtimeAfter(action: AnyAction): RuntimeState | undefined {
  const { recorded } = specOf(action);
  if (recorded.includes('runtime start')) return 'running';
  return recorded.includes('runtime end') ? 'ended' : undefined;
}

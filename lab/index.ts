/** The library: nodes with a real container runtime for tests of CNI plugins. `cnilab/vitest` has the matchers. */
export { BadInput, LabError } from './core/lab-error.ts';
export type { StateItem, StateKind } from './core/node-state.ts';
export type { CommandResult } from './core/ports.ts';
export type { Container } from './library/pod.ts';
export { RuntimeNode } from './library/runtime-node.ts';
export { matchers, type Answer, type ExpectedError, type ExpectedLeftBehind } from './library/matchers.ts';
export type { Pod } from './library/pod.ts';
export type { CountedCall, ExpectedCall, ExpectedCallParts, PluginCall } from './library/plugin-calls.ts';
export type { PluginScript, ScriptedCall, ScriptedCalls } from './library/plugin-script.ts';
export type { StartOptions } from './library/start-node.ts';
export type { PodRequest, StartedNode } from './library/started-node.ts';
export { StepFailed } from './library/check.ts';
export type { BackendName, NodeExecOptions } from './nodes/node.ts';
export type { JsonObject, JsonValue } from './core/content.ts';

import { jsonObject, nameCall, type CniCall, type CniError } from '../core/cni-call.ts';
import type { JsonObject } from '../core/content.ts';
import type { Stream } from '../core/recorded.ts';
import { LabError } from '../core/lab-error.ts';
import { podOfCall, type KnownCalls } from '../judge/facts.ts';
import { CALL_VERBS, shortCall } from '../spec/call-shape.ts';
import { present } from '../spec/object-shape.ts';
import type { CallExpectation, TextExpectation } from '../spec/scenario.ts';
import { writtenTemplates } from '../spec/written-json.ts';
import type { ExpectedError } from './matchers.ts';
import { NOWHERE } from './node-history.ts';

/** One recorded call of a plugin. */
export interface PluginCall {
  /** `bridge ADD`, or `bridge > host-local ADD` for a call that a plugin made */
  readonly name: string;
  /** the name of its file in /opt/cni/bin */
  readonly plugin: string;
  /** CNI_COMMAND: ADD, DEL, CHECK, STATUS, VERSION or GC */
  readonly verb: string;
  /** the plugin that made the call; missing if no plugin made it */
  readonly within?: string;
  /** the name of the process that made the call */
  readonly by: string;
  /** the name of the pod, if CNI_ARGS contains it */
  readonly pod?: string;
  /** the CNI_… variables */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** `stdin` as a JSON object; missing if it is not one */
  readonly input?: JsonObject;
  /** false: the call has not ended yet */
  readonly ended: boolean;
  /** null if a signal ended it, or if it has not ended yet */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** empty if the call has not ended yet */
  readonly stdout: string;
  readonly stderr: string;
  /** `stdout` as a JSON object; missing if it is not one */
  readonly output?: JsonObject;
  /** the CNI error that a failed plugin printed */
  readonly error?: CniError;
  /** streams of which only the first MiB is here */
  readonly cut: readonly Stream[];
  /** of its start: ISO 8601 with microseconds, from the clock of the node */
  readonly time: string;
  readonly durationMs?: number;
}

/** All of them, for a test. Throws LabError if some are not known. */
export function pluginCallsOf(known: KnownCalls): readonly PluginCall[] {
  if ('unknown' in known) throw new LabError(`the plugin calls are not known: ${known.unknown}`);
  return known.calls.map(pluginCall);
}

function pluginCall(call: CniCall): PluginCall {
  const { plugin, verb, outer, parent, env, stdin, end, error, time, cut = [] } = call;
  return {
    ...{ name: nameCall(call), plugin, verb, by: parent.name, env, stdin },
    ended: end !== undefined,
    exitCode: end?.exitCode ?? null,
    signal: end?.signal ?? null,
    stdout: end?.stdout ?? '',
    stderr: end?.stderr ?? '',
    cut: [...cut, ...(end?.cut ?? [])],
    time,
    ...present({
      within: outer?.plugin,
      pod: podOfCall(call),
      input: jsonOf(stdin),
      output: jsonOf(end?.stdout ?? ''),
      error,
      durationMs: end?.durationMs,
    }),
  };
}

/** JSON.parse returns nothing else. */
const jsonOf = (text: string): JsonObject | undefined => jsonObject(text) as JsonObject | undefined;

/**
 * `bridge ADD`, `bridge > host-local ADD`, or the expected parts of a call. Parts that are not mentioned can have any
 * value. In texts, `${web.id}` and `${NAME:id}` stand for values that vary.
 */
export type ExpectedCall = string | ExpectedCallParts;

export interface ExpectedCallParts {
  readonly plugin?: string;
  readonly verb?: (typeof CALL_VERBS)[number];
  /** the plugin that made the call; `none`: no plugin made it */
  readonly within?: string;
  /** the name of the process that made the call */
  readonly by?: string;
  /** CNI_… variables */
  readonly env?: Readonly<Record<string, ExpectedError>>;
  /** CNI_… variables that are not set */
  readonly noEnv?: readonly string[];
  /** whether CNI_NETNS leads to a namespace; `none`: it is empty or not set */
  readonly netns?: 'present' | 'missing' | 'none';
  /** keys of the configuration on standard input; it can have other keys */
  readonly input?: JsonObject;
  /** paths of keys that it does not have: `prevResult`, `ipam.dns` */
  readonly noInput?: readonly string[];
  /** keys of the JSON on standard output; it can have other keys */
  readonly output?: JsonObject;
  readonly exitCode?: number;
  /** the signal that ended it: `SIGKILL` */
  readonly signal?: string;
  /** the message of the error that it printed, or its parts */
  readonly error?:
    string | { readonly code?: number; readonly message?: ExpectedError; readonly details?: ExpectedError };
  /** the complete standard error; a line break at its end is ignored */
  readonly stderr?: ExpectedError;
  /** false: the call has not ended yet */
  readonly ended?: boolean;
}

/** An expected call with a number. */
export interface CountedCall extends ExpectedCallParts {
  /** the number of such calls; missing: at least one */
  readonly times?: number;
}

/** The call in the form of a file. A text was already checked to name a call. */
export function callExpectation(expected: ExpectedCall | CountedCall): CallExpectation {
  if (typeof expected === 'string') {
    const short = shortCall(expected);
    return { place: NOWHERE, env: {}, noEnv: [], noInput: [], ...(short.ok ? short.value : {}) };
  }
  const { env = {}, noEnv = [], noInput = [], input, output, error, stderr, ...same } = expected;
  return {
    place: NOWHERE,
    env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, textExpectation(text)])),
    noEnv,
    noInput,
    ...present({
      ...same,
      input: input && writtenTemplates(input),
      output: output && writtenTemplates(output),
      stderr: stderr === undefined ? undefined : textExpectation(stderr),
      error: error === undefined ? undefined : errorExpectation(error),
    }),
  };
}

function errorExpectation(
  error: NonNullable<ExpectedCallParts['error']>,
): NonNullable<CallExpectation['error']> {
  if (typeof error === 'string') return { message: textExpectation(error) };
  const { code, message, details } = error;
  return present({
    code,
    message: message === undefined ? undefined : textExpectation(message),
    details: details === undefined ? undefined : textExpectation(details),
  });
}

/** A text from a test, in the form of a file. */
export const textExpectation = (text: ExpectedError): TextExpectation =>
  typeof text === 'string' ? { exact: text, place: NOWHERE } : { ...text, place: NOWHERE };

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

/** One call of a plugin, as it was recorded. */
export interface PluginCall {
  /** `bridge ADD`, or `bridge > host-local ADD` for a call that a plugin made */
  readonly name: string;
  /** the name of its file in /opt/cni/bin */
  readonly plugin: string;
  /** CNI_COMMAND: ADD, DEL, CHECK, STATUS, VERSION or GC */
  readonly verb: string;
  /** the plugin that made the call; missing: no plugin did */
  readonly within?: string;
  /** the name of the process that made the call */
  readonly by: string;
  /** the name of the pod, where CNI_ARGS has it */
  readonly pod?: string;
  /** the CNI_… variables */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** what `stdin` is in JSON; missing: no JSON object */
  readonly input?: JsonObject;
  /** false: the call goes on */
  readonly ended: boolean;
  /** null where a signal ended it, and while it goes on */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** empty while the call goes on */
  readonly stdout: string;
  readonly stderr: string;
  /** what `stdout` is in JSON; missing: no JSON object */
  readonly output?: JsonObject;
  /** the error of CNI that a plugin which failed printed */
  readonly error?: CniError;
  /** streams of which only the first MiB is here */
  readonly cut: readonly Stream[];
  /** of its start: ISO 8601 with microseconds, the clock of the node */
  readonly time: string;
  readonly durationMs?: number;
}

/** All of them, for a program; LabError when some are not known. */
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

/** JSON.parse gives nothing else. */
const jsonOf = (text: string): JsonObject | undefined => jsonObject(text) as JsonObject | undefined;

/**
 * `bridge ADD`, `bridge > host-local ADD`, or what must be so of a call. What is not named may be anything. In texts,
 * `${web.id}` and `${NAME:id}` stand for what varies.
 */
export type ExpectedCall = string | ExpectedCallParts;

export interface ExpectedCallParts {
  readonly plugin?: string;
  readonly verb?: (typeof CALL_VERBS)[number];
  /** the plugin that made the call; `none`: no plugin did */
  readonly within?: string;
  /** the name of the process that made the call */
  readonly by?: string;
  /** CNI_… variables */
  readonly env?: Readonly<Record<string, ExpectedError>>;
  /** CNI_… variables that are not set */
  readonly noEnv?: readonly string[];
  /** whether CNI_NETNS leads to a namespace; `none`: it is empty or not set */
  readonly netns?: 'present' | 'missing' | 'none';
  /** keys of the configuration on standard input; it may have others */
  readonly input?: JsonObject;
  /** paths of keys that it does not have: `prevResult`, `ipam.dns` */
  readonly noInput?: readonly string[];
  /** keys of the JSON on standard output; it may have others */
  readonly output?: JsonObject;
  readonly exitCode?: number;
  /** that ended it: `SIGKILL` */
  readonly signal?: string;
  /** the message of the error that it printed, or its parts */
  readonly error?:
    string | { readonly code?: number; readonly message?: ExpectedError; readonly details?: ExpectedError };
  /** the whole standard error; a line break at its end does not count */
  readonly stderr?: ExpectedError;
  /** false: the call goes on */
  readonly ended?: boolean;
}

/** An expected call that is counted, too. */
export interface CountedCall extends ExpectedCallParts {
  /** how many such calls there are; missing: one at least */
  readonly times?: number;
}

/** The call as a file would expect it; a text has been found to name one. */
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

/** A text of a program, as a file would have it. */
export const textExpectation = (text: ExpectedError): TextExpectation =>
  typeof text === 'string' ? { exact: text, place: NOWHERE } : { ...text, place: NOWHERE };

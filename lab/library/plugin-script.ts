import type { FAKE_HANGS, FAKE_SIGNALS, FakeAnswer, FakeBehaviour, FakeScript } from '../core/fake-plugin.ts';
import { present } from '../spec/object-shape.ts';
import { literally } from '../spec/template.ts';
import { literalContent } from '../spec/text-shapes.ts';
import { writtenOf, type WrittenObject } from '../spec/written-json.ts';
import { contentOf, type JsonObject } from '../core/content.ts';

/**
 * What a scripted plugin does, by verb: one call, or a list with one entry for each call, of which the last is for all
 * further calls. A verb without an entry, if there are no `others`, succeeds.
 */
export interface PluginScript {
  readonly add?: ScriptedCalls;
  readonly del?: ScriptedCalls;
  readonly check?: ScriptedCalls;
  readonly status?: ScriptedCalls;
  readonly version?: ScriptedCalls;
  readonly gc?: ScriptedCalls;
  /** all verbs that have no entry */
  readonly others?: ScriptedCalls;
}

export type ScriptedCalls = ScriptedCall | readonly ScriptedCall[];

/** `ok`, or what the plugin does. It has at most one of `result`, `error`, `print` and `versions`. */
export type ScriptedCall =
  | 'ok'
  | {
      /** a real plugin that is called first with the same input; if the script has no answer, its answer is used */
      readonly delegate?: string;
      /** a real plugin that is called after everything else */
      readonly delegateAfter?: string;
      readonly delayMs?: number;
      readonly stderr?: string;
      /** for ADD; if it has no cniVersion, it gets the one that the runtime asked for */
      readonly result?: JsonObject;
      /** a CNI error; the exit code is 1 */
      readonly error?: { readonly code: number; readonly msg: string; readonly details?: string };
      /** on standard output, as it is */
      readonly print?: string | Uint8Array;
      /** the versions that it supports; for VERSION */
      readonly versions?: readonly string[];
      /** default: 0, and 1 with an error */
      readonly exitCode?: number;
      readonly signal?: (typeof FAKE_SIGNALS)[number];
      /** what never ends: the plugin, a child process that keeps its output open, or both */
      readonly hang?: (typeof FAKE_HANGS)[number];
    };

/** The script in the form of a plan. */
export const fakeScriptOf = (script: PluginScript): FakeScript =>
  Object.fromEntries(
    Object.entries(script).flatMap(([verb, calls]: [string, ScriptedCalls | undefined]) =>
      calls === undefined ? [] : [[verb, [calls].flat().map(behaviourOf)]],
    ),
  );

function behaviourOf(call: ScriptedCall): FakeBehaviour {
  if (call === 'ok') return {};
  const { result, error, print, versions, ...rest } = call;
  const answers: readonly FakeAnswer[] = [
    ...(result === undefined ? [] : [{ result }]),
    ...(error === undefined ? [] : [{ error }]),
    ...(print === undefined
      ? []
      : [{ print: typeof print === 'string' ? { content: print } : contentOf(print) }]),
    ...(versions === undefined ? [] : [{ versions }]),
  ];
  return present({ ...rest, answer: answers[0] });
}

/** The script in the form of a scenario file, with every text taken literally. */
export const writtenScript = (script: FakeScript): FakeScript<WrittenObject> =>
  Object.fromEntries(Object.entries(script).map(([verb, list]) => [verb, list.map(writtenBehaviour)]));

const writtenBehaviour = ({ answer, stderr, ...rest }: FakeBehaviour): FakeBehaviour<WrittenObject> => ({
  ...rest,
  ...(stderr === undefined ? {} : { stderr: literally(stderr) }),
  ...(answer === undefined ? {} : { answer: writtenAnswer(answer) }),
});

function writtenAnswer(answer: FakeAnswer): FakeAnswer<WrittenObject> {
  if ('result' in answer) return { result: writtenOf(answer.result) };
  if ('versions' in answer) return { versions: answer.versions.map(literally) };
  if ('print' in answer) return { print: literalContent(answer.print) };
  const { code, msg, details } = answer.error;
  return {
    error: { code, msg: literally(msg), ...(details === undefined ? {} : { details: literally(details) }) },
  };
}

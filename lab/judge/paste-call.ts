import { jsonObject, nameCall, type CniCall } from '../core/cni-call.ts';
import { countCalls, isObject, netnsOf, valueAt } from '../match/call.ts';
import type { CallExpectation } from '../spec/scenario.ts';
import { fillIn } from '../match/text.ts';
import type { WrittenJson } from '../spec/written-json.ts';
import { asTemplate, scalarOf, type Names } from './paste.ts';

/**
 * A call as a file would expect it, on one line of YAML: the parts that the expectation has, with the values of this
 * call. Parts that the call does not have are left out.
 */
export function callAsFile(
  wanted: CallExpectation,
  call: CniCall,
  { names, times }: { readonly names: Names; readonly times?: number | undefined },
): string {
  const text = (value: string) => scalarOf(asTemplate(value, names));
  const { plugin, verb, within, by, env, noEnv, netns, input, noInput, output, error } = wanted;
  const { end, outer } = call;
  const document = jsonObject(call.stdin);
  const isUnset = (path: string) =>
    document === undefined || valueAt(document, path.split('.')) === undefined;
  const known = present([
    ['by', by && scalarOf(call.parent.name)],
    ['times', times === undefined ? undefined : String(times)],
    ['netns', netns && netnsOf(call)],
    ['env', flow(Object.keys(env).map((name) => [name, call.env[name] && text(call.env[name])]))],
    ['no-env', listOf(noEnv.filter((name) => call.env[name] === undefined))],
    ['input', input && document && partOf(input, document, names)],
    ['no-input', listOf(noInput.filter(isUnset))],
    ['output', output && partOf(output, jsonObject(end?.stdout ?? '') ?? {}, names)],
    ['exit-code', wanted.exitCode === undefined ? undefined : end?.exitCode?.toString()],
    ['signal', wanted.signal === undefined ? undefined : (end?.signal ?? undefined)],
    [
      'error',
      error && call.error
        ? flow([
            ['code', error.code === undefined ? undefined : String(call.error.code)],
            ['message', error.message && text(call.error.msg)],
            ['details', error.details && text(call.error.details)],
          ])
        : undefined,
    ],
    ['stderr', wanted.stderr && end && text(end.stderr.replace(/\n$/, ''))],
    ['ended', wanted.ended === undefined ? undefined : String(end !== undefined)],
  ]);
  const isTop = within === 'none' && outer === undefined;
  if (known.length === 0 && !isTop && plugin !== undefined && verb !== undefined)
    return within === undefined ? nameCall({ plugin: call.plugin, verb: call.verb }) : nameCall(call);
  const name = present([
    ['plugin', plugin && scalarOf(call.plugin)],
    ['verb', verb && call.verb],
    ['within', within && scalarOf(outer?.plugin ?? 'none')],
  ]);
  return `{ ${[...name, ...known].map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}

/** The order of the calls that an expected order mentions; undefined if there are fewer than two. */
export function orderAsFile(
  wanted: readonly CallExpectation[],
  calls: readonly CniCall[],
  names: Names,
): string | undefined {
  const came = calls.flatMap((call) => {
    const one = wanted.find((entry) => countCalls(entry, [call], names.bindings).found.length > 0);
    return one === undefined ? [] : [callAsFile(one, call, { names })];
  });
  return came.length < 2 ? undefined : `[${came.join(', ')}]`;
}

type Entry = readonly [key: string, value: string | undefined];

const present = (entries: readonly Entry[]): readonly (readonly [string, string])[] =>
  entries.flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[key, value] as const]));

function flow(entries: readonly Entry[]): string | undefined {
  const all = present(entries);
  return all.length === 0
    ? undefined
    : `{ ${all.map(([key, value]) => `${scalarOf(key)}: ${value}`).join(', ')} }`;
}

const listOf = (words: readonly string[]): string | undefined =>
  words.length === 0 ? undefined : `[${words.map(scalarOf).join(', ')}]`;

/** The given keys of a JSON value, with their values. */
function partOf(wanted: WrittenJson, actual: unknown, names: Names): string | undefined {
  if (wanted.is !== 'mapping' || !isObject(actual)) return jsonAsFile(actual, names);
  return flow(
    wanted.entries.map(([key, value]) => {
      const name = fillIn(key, names.bindings);
      return [name, actual[name] === undefined ? undefined : partOf(value, actual[name], names)];
    }),
  );
}

function jsonAsFile(value: unknown, names: Names): string {
  if (typeof value === 'string') return scalarOf(asTemplate(value, names));
  if (Array.isArray(value)) return `[${value.map((item) => jsonAsFile(item, names)).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, inner]) => `${scalarOf(key)}: ${jsonAsFile(inner, names)}`,
  );
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

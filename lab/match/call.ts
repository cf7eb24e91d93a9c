import { jsonObject, type CniCall } from '../core/cni-call.ts';
import type { CallExpectation, TextExpectation } from '../spec/scenario.ts';
import { textsOfCall } from '../spec/call-shape.ts';
import { scanTemplate } from '../spec/template.ts';
import type { WrittenJson } from '../spec/written-json.ts';
import { assign, type Assigned, type Attempt } from './assign.ts';
import type { Bindings } from './bindings.ts';
import { fillIn, matchExact, matchExpectation } from './text.ts';

/** The first difference in each part of a call that does not match. */
export interface CallDifference {
  /** `verb`, `input ipam.type`, `error message` */
  readonly part: string;
  readonly expected: string;
  readonly actual: string;
}

interface Comparison {
  readonly bindings: Bindings;
  readonly differences: readonly CallDifference[];
  /** whether some part could not be compared */
  readonly undecided: boolean;
}

/** Whether a call is the expected one. */
export function matchCall(wanted: CallExpectation, call: CniCall, known: Bindings): Attempt {
  const { differences, undecided, bindings } = compareCall(wanted, call, known);
  if (differences.length > 0) return 'no';
  return undecided ? 'undecided' : { bindings };
}

/** Finds a different call for each expected one, in any order. A name has the same value in all of them. */
export const matchCalls = (
  wanted: readonly CallExpectation[],
  calls: readonly CniCall[],
  known: Bindings,
): Assigned =>
  assign({
    wanted,
    items: calls,
    known,
    loose: new Map([...known].filter(([name]) => !wanted.some((one) => bindsName(one, name)))),
    attempt: matchCall,
    alike: (one, other) => contentOf(one) === contentOf(other),
  });

/**
 * Finds a call for each expected one, each started later than the previous one. The first call that matches is used.
 * Stops at the first expected call without a match.
 */
export function matchInOrder(
  wanted: readonly CallExpectation[],
  calls: readonly CniCall[],
  known: Bindings,
): { readonly found: readonly CniCall[]; readonly undecided: boolean; readonly bindings: Bindings } {
  const found: CniCall[] = [];
  let bindings = known;
  let next = 0;
  for (const one of wanted) {
    let undecided = false;
    const at = calls.findIndex((call, index) => {
      const attempt = index < next ? 'no' : matchCall(one, call, bindings);
      if (attempt === 'undecided') undecided = true;
      if (typeof attempt === 'object') ({ bindings } = attempt);
      return typeof attempt === 'object';
    });
    const call = calls[at];
    if (call === undefined) return { found, undecided, bindings };
    found.push(call);
    next = at + 1;
  }
  return { found, undecided: false, bindings };
}

/**
 * The call that is most similar to the expected one: of the same plugin and verb if there is one, with the fewest
 * differences.
 */
export function nearestCall(
  wanted: CallExpectation,
  calls: readonly CniCall[],
  known: Bindings,
): { readonly call: CniCall; readonly differences: readonly CallDifference[] } | undefined {
  const compared = calls.map((call) => ({ call, ...compareCall(wanted, call, known) }));
  const far = ({ differences }: Comparison) =>
    differences.reduce((sum, { part }) => sum + (WEIGHTS[part] ?? 1), 0);
  return compared.reduce<(typeof compared)[number] | undefined>(
    (best, one) => (best === undefined || far(one) < far(best) ? one : best),
    undefined,
  );
}

const WEIGHTS: Readonly<Record<string, number>> = { plugin: 100, verb: 10, within: 5 };

function compareCall(wanted: CallExpectation, call: CniCall, known: Bindings): Comparison {
  const comparer = new CallComparer(known);
  const { end, error, env } = call;
  if (wanted.plugin !== undefined) comparer.same('plugin', wanted.plugin, call.plugin);
  if (wanted.verb !== undefined) comparer.same('verb', wanted.verb, call.verb);
  if (wanted.within !== undefined) comparer.same('within', wanted.within, call.outer?.plugin ?? 'none');
  if (wanted.by !== undefined) comparer.same('by', wanted.by, call.parent.name);
  if (wanted.netns !== undefined) comparer.same('netns', wanted.netns, netnsOf(call));
  for (const [name, text] of Object.entries(wanted.env)) comparer.text(`env ${name}`, text, env[name]);
  for (const name of wanted.noEnv)
    if (env[name] !== undefined) comparer.differ(`env ${name}`, NOTHING, env[name]);
  comparer.document('input', wanted, { text: call.stdin, isCut: isCut(call, 'stdin') });
  if (wanted.ended !== undefined) comparer.same('ended', String(wanted.ended), String(end !== undefined));
  if (wanted.exitCode !== undefined)
    comparer.same('exit-code', String(wanted.exitCode), String(end?.exitCode ?? end?.signal ?? 'no end'));
  if (wanted.signal !== undefined)
    comparer.same(
      'signal',
      wanted.signal,
      end?.signal ?? (end === undefined ? 'no end' : `exit ${end.exitCode}`),
    );
  if (wanted.output !== undefined)
    comparer.document(
      'output',
      { input: wanted.output, noInput: [] },
      { text: end?.stdout ?? '', isCut: isCut(call, 'stdout') },
    );
  if (wanted.error?.code !== undefined)
    comparer.same('error code', String(wanted.error.code), String(error?.code ?? NOTHING));
  if (wanted.error?.message !== undefined) comparer.text('error message', wanted.error.message, error?.msg);
  if (wanted.error?.details !== undefined)
    comparer.text('error details', wanted.error.details, error?.details);
  if (wanted.stderr !== undefined) {
    const isWhole = !isCut(call, 'stderr');
    comparer.text('stderr', wanted.stderr, end?.stderr.replace(/\n$/, ''), isWhole);
  }
  return comparer;
}

const NOTHING = 'nothing';

const isCut = ({ cut = [], end }: CniCall, stream: 'stdin' | 'stdout' | 'stderr'): boolean =>
  cut.includes(stream) || (end?.cut ?? []).includes(stream);

/** What CNI_NETNS leads to. `none`: the caller did not set it. */
export function netnsOf({ netns }: CniCall): NonNullable<CallExpectation['netns']> {
  if (netns === undefined || netns.path === '') return 'none';
  return netns.inode === undefined ? 'missing' : 'present';
}

/** Compares the parts of one call one after the other. Later parts know the names that earlier parts bind. */
class CallComparer implements Comparison {
  bindings: Bindings;
  readonly differences: CallDifference[] = [];
  undecided = false;

  constructor(known: Bindings) {
    this.bindings = known;
  }

  differ(part: string, expected: string, actual: string): void {
    this.differences.push({ part, expected, actual });
  }

  same(part: string, expected: string, actual: string): void {
    if (expected !== actual) this.differ(part, expected, actual);
  }

  text(part: string, expected: TextExpectation, actual: string | undefined, isWhole = true): void {
    const wanted = fillIn('exact' in expected ? expected.exact : expected.contains, this.bindings);
    if (actual === undefined) return this.differ(part, wanted, NOTHING);
    const match = matchExpectation(expected, actual, this.bindings);
    if (match.matched) this.bindings = match.bindings;
    else if (match.undecided === true || !isWhole) this.undecided = true;
    else this.differ(part, wanted, actual);
  }

  /** The text must be a JSON object with the given keys. */
  document(
    part: string,
    { input, noInput }: Pick<CallExpectation, 'input' | 'noInput'>,
    { text, isCut }: { readonly text: string; readonly isCut: boolean },
  ): void {
    if (input === undefined && noInput.length === 0) return;
    const object = jsonObject(text);
    if (object === undefined && isCut) this.undecided = true;
    else if (object === undefined) this.differ(part, 'a JSON object', text);
    else {
      if (input !== undefined) this.json(part, input, object);
      for (const path of noInput) {
        const there = valueAt(object, path.split('.'));
        if (there !== undefined) this.differ(`${part} ${path}`, NOTHING, JSON.stringify(there));
      }
    }
  }

  json(part: string, expected: WrittenJson, actual: unknown): void {
    const shown = actual === undefined ? NOTHING : JSON.stringify(actual);
    switch (expected.is) {
      case 'mapping':
        if (!isObject(actual)) return this.differ(part, 'a JSON object', shown);
        for (const [key, value] of expected.entries) {
          const name = fillIn(key, this.bindings);
          this.json(`${part} ${name}`.replace(/^(\w+ \S+) /, '$1.'), value, actual[name]);
        }
        return;
      case 'list':
        if (!Array.isArray(actual)) return this.differ(part, 'a list', shown);
        if (actual.length !== expected.items.length)
          return this.differ(part, `a list of ${expected.items.length}`, shown);
        expected.items.forEach((item, index) => this.json(`${part}.${index}`, item, actual[index]));
        return;
      case 'text':
      case 'axis': {
        if (typeof actual !== 'string')
          return this.differ(part, JSON.stringify(fillIn(expected.text, this.bindings)), shown);
        const match = matchExact(expected.text, actual, this.bindings);
        if (match.matched) this.bindings = match.bindings;
        else if (match.undecided === true) this.undecided = true;
        else this.differ(part, JSON.stringify(fillIn(expected.text, this.bindings)), shown);
        return;
      }
      case 'plain':
        if (JSON.stringify(JSON.parse(expected.source)) !== shown) this.differ(part, expected.source, shown);
        return;
    }
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path of keys. List items are addressed by index. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  // list items are addressed by index
  const inner =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return inner === undefined ? undefined : valueAt(inner, rest);
}

/** Everything that an expectation specifies, without its place. */
const contentOf = ({ place: _place, ...rest }: CallExpectation): string =>
  JSON.stringify(rest, (key, value: unknown) => (key === 'place' ? undefined : value));

const bindsName = (wanted: CallExpectation, name: string): boolean =>
  textsOfCall(wanted)
    .flatMap((text) => scanTemplate(text).parts)
    .some((part) => part.kind === 'capture' && part.name === name);

/** How many calls match. Each call is matched alone, so a name may have another value in each. */
export function countCalls(
  wanted: CallExpectation,
  calls: readonly CniCall[],
  known: Bindings,
): { readonly found: readonly CniCall[]; readonly undecided: boolean } {
  const attempts = calls.map((call) => ({ call, attempt: matchCall(wanted, call, known) }));
  return {
    found: attempts.flatMap(({ call, attempt }) => (typeof attempt === 'object' ? [call] : [])),
    undecided: attempts.some(({ attempt }) => attempt === 'undecided'),
  };
}

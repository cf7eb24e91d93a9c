import { STATE_KINDS, type NodeState, type StateItem, type StateKind } from '../core/node-state.ts';
import type { LeftBehindExpectation } from '../spec/scenario.ts';
import type { Bindings } from '../match/bindings.ts';
import { fillIn, matchExact } from '../match/text.ts';
import { appearedIn } from './appeared.ts';
import type { Look } from './facts.ts';
import { leftOver, type LeftOver } from './left-over.ts';
import { flowMap } from './paste-yaml.ts';
import { ALWAYS_SHARED, MAY_BE_SHARED, WHOLLY_SHARED } from './shared.ts';
import type { Subject } from './subject.ts';
import type { Finding } from './verdict.ts';

/**
 * What is there and was not at the start, against what the file says is left. What was seen and contradicts the file is
 * a failure; a kind that the file needs and nobody could look at is not knowing.
 */
export function judgeLeftBehind(subject: Subject): readonly Finding[] {
  const { expect, facts, stepId, state, bindings } = subject;
  const { leftBehind } = expect;
  if (leftBehind === undefined) return [];
  const told = { check: 'left-behind', stepId, place: leftBehind.place } as const;
  const baseline = facts.looks.find((look) => look.stepId === 'start')?.state;
  if (baseline === undefined || state === undefined) {
    const when = baseline === undefined ? 'at the start' : 'then';
    return [
      {
        ...told,
        outcome: 'inconclusive',
        message: `what is left behind is not known: nobody looked ${when}`,
      },
    ];
  }

  const blind = blindKinds(baseline, state);
  const looks = looksUntil(facts.looks, state);
  const left = leftOver({ baseline, state, looks, instruments: facts.instruments });
  const groups = groupsOf({ leftBehind, left, blind });
  const wrong = groups.filter((group) => contradicts(group, bindings));
  const expected = expectedYaml(leftBehind, bindings);
  const actual = actualYaml(groups);
  if (wrong.length > 0) {
    return [
      {
        ...told,
        outcome: 'fail',
        message: `left behind is ${actual}, expected ${expected}`,
        expected,
        actual,
        detail: wrong.flatMap((group) => describeGroup(group, { looks, bindings })),
      },
    ];
  }
  const unknown = groups.flatMap((group) => group.blind);
  if (unknown.length > 0) {
    const kinds = [...new Set(unknown)].map(
      (kind) => `${kind} could not be looked at (${blind.get(kind) ?? ''})`,
    );
    const message = `what is left behind is not known: ${kinds.join('; ')}`;
    return [{ ...told, outcome: 'inconclusive', message, expected }];
  }
  return [{ ...told, outcome: 'pass', message: `left behind is ${expected}, as expected` }];
}

/** Items that the file speaks of under one word. */
interface Group {
  readonly name: StateKind | 'shared';
  readonly expected: number | readonly string[];
  readonly items: readonly StateItem[];
  /** kinds that belong here and were not seen */
  readonly blind: readonly StateKind[];
}

function groupsOf({
  leftBehind,
  left,
  blind,
}: {
  readonly leftBehind: LeftBehindExpectation;
  readonly left: LeftOver;
  readonly blind: ReadonlyMap<StateKind, string>;
}): readonly Group[] {
  const named = leftBehind.none ? {} : leftBehind.kinds;
  /** Of a kind that could not be looked at before, nobody knows how old its items are. */
  const seen = (items: readonly StateItem[]) => items.filter(({ kind }) => !blind.has(kind));
  const shared = seen(left.shared).filter(({ kind }) => MAY_BE_SHARED.includes(kind));
  /** What is shared may be asked for by its kind, where a whole kind is. */
  const byKind = ({ kind }: StateItem) => WHOLLY_SHARED.includes(kind) && named[kind] !== undefined;
  const group = (name: Group['name'], items: readonly StateItem[], kinds: readonly StateKind[]): Group => ({
    name,
    expected: named[name] ?? 0,
    items,
    blind: kinds.filter((kind) => blind.has(kind)),
  });
  const items = [...seen(left.own), ...shared.filter(byKind)];
  return [
    ...STATE_KINDS.filter((kind) => !ALWAYS_SHARED.includes(kind) || named[kind] !== undefined).map((kind) =>
      group(
        kind,
        items.filter((item) => item.kind === kind),
        [kind],
      ),
    ),
    ...(named.shared === undefined
      ? []
      : [
          group(
            'shared',
            shared.filter((item) => !byKind(item)),
            MAY_BE_SHARED,
          ),
        ]),
  ];
}

function blindKinds(...states: readonly NodeState[]): ReadonlyMap<StateKind, string> {
  return new Map(states.flatMap(({ unseen }) => unseen.map(({ kind, why }) => [kind, why] as const)));
}

/** Whether what was seen cannot be what the file says, whatever was not seen. */
function contradicts({ expected, items, blind }: Group, bindings: Bindings): boolean {
  if (typeof expected === 'number')
    return blind.length > 0 ? items.length > expected : items.length !== expected;
  const { missing, extra } = pairNames(expected, { items, bindings });
  return extra.length > 0 || (missing.length > 0 && blind.length === 0);
}

function pairNames(
  expected: readonly string[],
  { items, bindings }: { items: readonly StateItem[]; bindings: Bindings },
): { readonly missing: readonly string[]; readonly extra: readonly StateItem[] } {
  const extra = [...items];
  const missing = expected.filter((name) => {
    const index = extra.findIndex((item) => matchExact(name, item.name, bindings).matched);
    if (index >= 0) extra.splice(index, 1);
    return index < 0;
  });
  return { missing, extra };
}

function expectedYaml(leftBehind: LeftBehindExpectation, bindings: Bindings): string {
  if (leftBehind.none) return 'none';
  return flowMap(
    Object.entries(leftBehind.kinds).map(([kind, value]) => [
      kind,
      typeof value === 'number' ? value : value.map((name) => fillIn(name, bindings)),
    ]),
  );
}

function actualYaml(groups: readonly Group[]): string {
  const there = groups.filter(({ items }) => items.length > 0);
  if (there.length === 0) return 'none';
  return flowMap(
    there.map(({ name, expected, items }) => [
      name,
      typeof expected === 'number' ? items.length : items.map((item) => item.name),
    ]),
  );
}

function describeGroup(
  { name, expected, items }: Group,
  { looks, bindings }: { looks: readonly Look[]; bindings: Bindings },
): readonly string[] {
  const names = typeof expected === 'number' ? undefined : pairNames(expected, { items, bindings });
  return [
    ...(names === undefined && items.length === 0 ? [`no ${name}, expected ${String(expected)}`] : []),
    ...(names?.missing ?? []).map((missing) => `${name} ${fillIn(missing, bindings)} is not there`),
    ...(names?.extra ?? items).map((item) => {
      const known = Object.entries(item.detail ?? {}).filter(([, value]) => value !== '');
      const detail =
        known.length === 0 ? '' : ` (${known.map(([key, value]) => `${key} ${value}`).join(', ')})`;
      return `${item.kind} ${item.name} appeared in ${appearedIn(item, looks) ?? 'some step'}${detail}`;
    }),
  ];
}

/** The looks up to the one that saw this state. */
function looksUntil(looks: readonly Look[], state: NodeState): readonly Look[] {
  return looks.slice(0, looks.findLastIndex((look) => look.state === state) + 1);
}

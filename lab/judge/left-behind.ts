import { literally } from '../spec/template.ts';
import { asTemplate, type Names, flowMap } from './paste.ts';
import { STATE_KINDS, type NodeState, type StateItem, type StateKind } from '../core/node-state.ts';
import type { LeftBehindExpectation } from '../spec/scenario.ts';
import type { Bindings } from '../match/bindings.ts';
import { fillIn, matchExact } from '../match/text.ts';
import {
  appearedIn,
  goneBy,
  leftOver,
  ownerOf,
  ownersAmong,
  ownershipIn,
  type LeftOver,
  type Ownership,
} from './left-over.ts';
import type { Look } from './facts.ts';
import { ALWAYS_SHARED, MAY_BE_SHARED, WHOLLY_SHARED } from './shared.ts';
import type { Subject } from './check.ts';
import { present } from '../spec/object-shape.ts';
import type { Finding, LeftItem } from './verdict.ts';

/**
 * Compares what exists now and did not exist at the start with what the file expects to be left. Something that was
 * seen and contradicts the file is a failure. If a kind that the file needs could not be looked at, the result is
 * inconclusive.
 */
export function judgeLeftBehind(subject: Subject): readonly Finding[] {
  return askedOf(subject).flatMap((asked) => judgeAsked(subject, asked));
}

/** What a file expects to be left: of everything, or of one pod. */
interface Asked {
  readonly leftBehind: LeftBehindExpectation;
  readonly pod?: string;
}

function askedOf({ expect: { leftBehind, pod, pods }, pod: own }: Subject): readonly Asked[] {
  const named = [
    ...(pod === undefined || own === undefined ? [] : [[own, pod] as const]),
    ...(pods === undefined || pods === 'none' ? [] : Object.entries(pods)),
  ];
  return [
    ...(leftBehind === undefined ? [] : [{ leftBehind }]),
    ...named.flatMap(([name, one]) =>
      one.leftBehind === undefined ? [] : [{ leftBehind: one.leftBehind, pod: name }],
    ),
  ];
}

function judgeAsked(subject: Subject, asked: Asked): readonly Finding[] {
  const { facts, stepId, state, bindings } = subject;
  const { leftBehind, pod } = asked;
  const finding = { check: 'left-behind', stepId, place: leftBehind.place } as const;
  const what = pod === undefined ? 'left behind' : `left behind of pod ${pod}`;
  const remains = remainsOf(subject, asked);
  if (state === undefined || remains === undefined) {
    const when = facts.looks.some((look) => look.stepId === 'start') ? 'then' : 'at the start';
    return [
      {
        ...finding,
        outcome: 'inconclusive',
        message: `what is ${what} is not known: nobody looked ${when}`,
      },
    ];
  }

  const { groups, blind } = remains;
  const looks = looksUntil(facts.looks, state);
  const ownership = ownershipIn(looks, facts.steps);
  const later = facts.looks.slice(looks.length);
  const wrong = groups.filter((group) => contradicts(group, bindings));
  const expected = expectedYaml(leftBehind, bindings);
  if (wrong.length > 0) {
    const actual = actualYaml(groups, { bindings, variables: facts.variables });
    return [
      {
        ...finding,
        outcome: 'fail',
        message: `${what} is ${actual}, expected ${expected}`,
        expected,
        actual,
        detail: wrong.flatMap((group) => describeGroup(group, { looks, later, bindings, ownership })),
        items: wrong.flatMap((group) => leftItems(group, { looks, later, bindings, ownership })),
      },
    ];
  }
  const unknown = [
    ...[...new Set(groups.flatMap((group) => group.blind))].map(
      (kind) => `${kind} could not be looked at (${blind.get(kind) ?? ''})`,
    ),
    ...groups
      .flatMap(({ nobodys }) => nobodys)
      .map(({ kind, name }) => `nobody knows whose ${kind} ${name} is`),
  ];
  if (unknown.length > 0) {
    const message = `what is ${what} is not known: ${unknown.join('; ')}`;
    return [{ ...finding, outcome: 'inconclusive', message, expected }];
  }
  return [{ ...finding, outcome: 'pass', message: `${what} is ${expected}, as expected` }];
}

/**
 * Whether there is more than the file expects, by number or by name. The additional items may be about to disappear.
 */
export function isBeyond(subject: Subject): boolean {
  return groupsAsked(subject).some(({ expected, items }) =>
    typeof expected === 'number'
      ? items.length > expected
      : pairNames(expected, { items, bindings: subject.bindings }).extra.length > 0,
  );
}

/** Kinds whose items may exist although they are already ending. */
const TRANSIENT: readonly Group['name'][] = ['shim', 'process'];

/** Whether an expectation is met by an item that may be about to disappear. */
export function restsOnTransient(subject: Subject): boolean {
  return groupsAsked(subject).some(({ name, items }) => TRANSIENT.includes(name) && items.length > 0);
}

const groupsAsked = (subject: Subject): readonly Group[] =>
  askedOf(subject).flatMap((asked) => remainsOf(subject, asked)?.groups ?? []);

interface Remains {
  readonly groups: readonly Group[];
  readonly blind: ReadonlyMap<StateKind, string>;
}

/** What exists, grouped by the expectations of the file; undefined if there was no look. */
function remainsOf({ facts, state }: Subject, { leftBehind, pod }: Asked): Remains | undefined {
  const baseline = facts.looks.find((look) => look.stepId === 'start')?.state;
  if (baseline === undefined || state === undefined) return undefined;
  const blind = blindKinds(baseline, state);
  const looks = looksUntil(facts.looks, state);
  const left = leftOver({ baseline, state, looks, instruments: facts.instruments });
  const groups = groupsOf({ leftBehind, left, blind });
  if (pod === undefined) return { groups, blind };
  const owners = ownersAmong(state.items, ownershipIn(looks, facts.steps));
  return {
    blind,
    groups: groups.map((group) => ({
      ...group,
      items: group.items.filter((item) => owners.get(item) === pod),
      nobodys: group.items.filter((item) => owners.get(item) === undefined),
    })),
  };
}

/** The items for one key in the file. */
interface Group {
  readonly name: StateKind | 'shared';
  readonly expected: number | readonly string[];
  readonly items: readonly StateItem[];
  /** kinds that belong to the group but were not seen */
  readonly blind: readonly StateKind[];
  /** for one pod: items whose owner is not known */
  readonly nobodys: readonly StateItem[];
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
  /** If a kind could not be looked at before, the age of its items is unknown. */
  const seen = (items: readonly StateItem[]) => items.filter(({ kind }) => !blind.has(kind));
  const shared = seen(left.shared).filter(({ kind }) => MAY_BE_SHARED.includes(kind));
  /** Shared items are counted under their kind if the file names a kind that is shared as a whole. */
  const byKind = ({ kind }: StateItem) => WHOLLY_SHARED.includes(kind) && named[kind] !== undefined;
  const group = (name: Group['name'], items: readonly StateItem[], kinds: readonly StateKind[]): Group => ({
    name,
    expected: named[name] ?? 0,
    items,
    blind: kinds.filter((kind) => blind.has(kind)),
    nobodys: [],
  });
  const items = [...seen(left.own), ...seen(left.shared).filter(byKind)];
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

/** Whether what was seen contradicts the file, whatever was not seen. */
function contradicts({ expected, items, blind, nobodys }: Group, bindings: Bindings): boolean {
  const mayBeMore = blind.length > 0 ? Infinity : nobodys.length;
  if (typeof expected === 'number') return items.length > expected || items.length + mayBeMore < expected;
  const { missing, extra } = pairNames(expected, { items, bindings });
  return extra.length > 0 || missing.length > mayBeMore;
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
      typeof value === 'number' ? value : value.map((name) => literally(fillIn(name, bindings))),
    ]),
  );
}

function actualYaml(groups: readonly Group[], names: Names): string {
  const there = groups.filter(({ items }) => items.length > 0);
  if (there.length === 0) return 'none';
  return flowMap(
    there.map(({ name, expected, items }) => [
      name,
      typeof expected === 'number' ? items.length : items.map((item) => asTemplate(item.name, names)),
    ]),
  );
}

interface History {
  readonly looks: readonly Look[];
  readonly later: readonly Look[];
  readonly bindings: Bindings;
  readonly ownership: Ownership;
}

/** The items of a group that the file does not expect. */
const unexpected = ({ expected, items }: Group, { bindings }: History): readonly StateItem[] =>
  typeof expected === 'number' ? items : pairNames(expected, { items, bindings }).extra;

const leftItems = (group: Group, history: History): readonly LeftItem[] =>
  unexpected(group, history).map((item) => ({
    kind: item.kind,
    name: item.name,
    ...present({
      pod: ownerOf(item, history.ownership),
      since: appearedIn(item, history.looks),
      goneBy: goneBy(item, history.later),
    }),
  }));

function describeGroup(group: Group, history: History): readonly string[] {
  const { name, expected, items } = group;
  const { looks, later, bindings, ownership } = history;
  const names = typeof expected === 'number' ? undefined : pairNames(expected, { items, bindings });
  return [
    ...(names === undefined && items.length === 0 ? [`no ${name}, expected ${String(expected)}`] : []),
    ...(names?.missing ?? []).map((missing) => `${name} ${fillIn(missing, bindings)} is not there`),
    ...unexpected(group, history).map((item) => {
      const known = Object.entries(item.detail ?? {}).filter(([, value]) => value !== '');
      const detail =
        known.length === 0 ? '' : ` (${known.map(([key, value]) => `${key} ${value}`).join(', ')})`;
      const gone = goneBy(item, later);
      const late = gone === undefined ? '' : `, gone only by ${gone}`;
      const pod = ownerOf(item, ownership);
      const of = pod === undefined || item.kind === 'sandbox' ? '' : ` of pod ${pod}`;
      return `${item.kind} ${item.name}${of} appeared in ${appearedIn(item, looks) ?? 'some step'}${detail}${late}`;
    }),
  ];
}

/** The looks up to the one that saw this state. */
function looksUntil(looks: readonly Look[], state: NodeState): readonly Look[] {
  return looks.slice(0, looks.findLastIndex((look) => look.state === state) + 1);
}

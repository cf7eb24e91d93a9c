import type { NodeState, StateItem } from '../core/node-state.ts';
import type { Look, StepFacts } from './facts.ts';
import { networksOf, type Networks } from './networks.ts';
import { whyShared } from './shared.ts';
import type { Content } from '../core/content.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { NodePlan, RunPlan } from '../plan/plan.ts';
import {
  specOf,
  containerMadeBy,
  containerOfAction,
  podOfAction,
  type PlannedAction,
} from '../spec/verbs/verbs.ts';

/** What counts as left behind, and what does not because plugins share and keep it. */
export interface LeftOver {
  readonly own: readonly StateItem[];
  readonly shared: readonly StateItem[];
}

export interface LeftOverOptions {
  readonly baseline: NodeState;
  readonly state: NodeState;
  /** all looks up to that one */
  readonly looks: readonly Look[];
  readonly instruments: Instruments;
}

/** What is there and was not at the start, without what is part of another item that is reported. */
export function leftOver({ baseline, state, looks, instruments }: LeftOverOptions): LeftOver {
  const networks = networksOf(state.conflists ?? []);
  const items = itemsBeyond(baseline, state);
  const ownBridges = items
    .filter((item) => item.kind === 'bridge' && whyShared(item, networks) === undefined)
    .map(({ name }) => name);
  const counted = items.filter(
    (item) =>
      !ownBridges.includes(item.detail?.['device'] ?? '') &&
      !(item.kind === 'file' && isInstrument(item.name, { instruments, folders: networks.folders })) &&
      !(item.kind === 'conntrack' && !leadsAstray(item, { state, looks })),
  );
  const shared = counted.filter((item) => isShared(item, networks));
  return { own: counted.filter((item) => !shared.includes(item)), shared };
}

const isShared = (item: StateItem, networks: Networks): boolean => whyShared(item, networks) !== undefined;

/**
 * A tracked flow counts that leads to a pod which is gone, while its sender may send on: the kernel lets go of it only
 * when nothing comes any more. Between two pods that are both gone, nothing comes.
 */
function leadsAstray(
  { detail }: StateItem,
  { state, looks }: { readonly state: NodeState; readonly looks: readonly Look[] },
): boolean {
  const there = new Set(addressesOf(state));
  const gone = new Set(looks.flatMap((look) => addressesOf(look.state)).filter((ip) => !there.has(ip)));
  return gone.has(detail?.['at'] ?? '') && !gone.has(detail?.['from'] ?? '');
}

const addressesOf = ({ items }: NodeState): readonly string[] =>
  items.flatMap(({ kind, detail }) =>
    kind === 'sandbox' && detail?.['state'] === 'ready' ? (detail['ips'] ?? '').split(',') : [],
  );

/** What a scenario puts on the node by itself, to see or to make something: no plugin has left that behind. */
export interface Instruments {
  /** files that it writes */
  readonly paths: readonly string[];
  /** scripts, contents and commands of its own */
  readonly scripts: readonly string[];
}

export function instrumentsOf(
  { steps, node }: Pick<RunPlan, 'steps'> & { readonly node?: Pick<NodePlan, 'files'> },
  entries: readonly JournalEntry[],
): Instruments {
  const files = [
    ...(node?.files ?? []),
    ...steps.flatMap(({ action }) => specOf(action).files?.(action) ?? []),
  ];
  const scripts = steps.flatMap(({ action }) => specOf(action).scripts?.(action) ?? []);
  return {
    paths: files.map(({ name }) => name),
    scripts: [
      ...[...files, ...scripts].map(textOf),
      ...entries.flatMap((entry) => (entry.kind === 'command' ? entry.result.argv : [])),
    ],
  };
}

/** Of bytes that are not UTF-8 a path can still be read. */
const textOf = ({ content, encoding }: Content): string =>
  encoding === undefined ? content : Buffer.from(content, encoding).toString('latin1');

/** Places that are CNI's own: what is there counts, whoever wrote it. */
const OWN_PLACES = ['/var/lib/cni', '/run/cni'];

/**
 * A file that the scenario wrote, or one in /tmp whose whole path stands in a script of its own. One with a name that a
 * script makes up as it runs (`/tmp/state-$CNI_CONTAINERID`) is not.
 */
export function isInstrument(
  path: string,
  { instruments, folders }: { readonly instruments: Instruments; readonly folders: readonly string[] },
): boolean {
  if ([...OWN_PLACES, ...folders].some((folder) => path === folder || path.startsWith(`${folder}/`)))
    return false;
  if (instruments.paths.includes(path)) return true;
  if (!path.startsWith('/tmp/')) return false;
  const whole = new RegExp(
    `(?<![\\w./-])${path.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?![\\w./$\\{%*?-])`,
  );
  return instruments.scripts.some((script) => whole.test(script));
}

/** What is in `state` and was not in `baseline`, by kind and name; of two alike the second counts too. */
export function itemsBeyond(baseline: NodeState, state: NodeState): readonly StateItem[] {
  const before = new Set(identified(baseline).map(([key]) => key));
  return identified(state)
    .filter(([key]) => !before.has(key))
    .map(([, item]) => item);
}

/**
 * The step in which an item, there at the last of these looks, appeared: the earliest from which it was always there.
 * A look that could not see its kind says nothing.
 */
export function appearedIn(item: StateItem, looks: readonly Look[]): string | undefined {
  let appeared: string | undefined;
  for (const { stepId, state } of [...looks].reverse()) {
    const there = state.items.some(({ kind, name }) => kind === item.kind && name === item.name);
    if (there) appeared = stepId;
    else if (!state.unseen.some(({ kind }) => kind === item.kind)) break;
  }
  return appeared;
}

/** The step after which an item was not there any more, of looks that came later. */
export function goneBy(item: StateItem, later: readonly Look[]): string | undefined {
  return later.find(
    ({ state }) =>
      !state.items.some(({ kind, name }) => kind === item.kind && name === item.name) &&
      !state.unseen.some(({ kind }) => kind === item.kind),
  )?.stepId;
}

function identified({ items }: NodeState): readonly (readonly [string, StateItem])[] {
  const seen = new Map<string, number>();
  return items.map((item) => {
    const name = `${item.kind} ${item.name}`;
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return [`${nth} ${name}`, item];
  });
}

/**
 * The pod that something on a node belongs to, by the id of its sandbox or of a container, its network namespace or its address, wherever
 * it stands in the name or the detail; undefined where none of them does.
 */
export function ownerOf(item: StateItem, { looks, idsTold = new Map() }: Ownership): string | undefined {
  const text = [item.name, ...Object.values(item.detail ?? {})].join('\n');
  const sandboxes = looks.flatMap(({ state }) => state.items.filter(({ kind }) => kind === 'sandbox'));
  const container = looks
    .flatMap(({ state }) => state.items)
    .findLast(({ kind, name }) => kind === 'container' && text.includes(name));
  const owner =
    sandboxes.findLast(({ name }) => name === container?.detail?.['sandbox']) ??
    sandboxes.findLast(({ name }) => text.includes(name)) ??
    sandboxes.findLast(({ detail }) => hasWord(text, baseName(detail?.['netns'] ?? ''))) ??
    sandboxes.findLast(({ detail }) => (detail?.['ips'] ?? '').split(',').some((ip) => hasWord(text, ip)));
  return owner?.detail?.['podName'] ?? [...idsTold].find(([id]) => text.includes(id))?.[1];
}

/** What shows whose something is. */
export interface Ownership {
  readonly looks: readonly Pick<Look, 'state'>[];
  /** pods by ids that commands on their behalf have told */
  readonly idsTold?: ReadonlyMap<string, string>;
}

/** All of it: the sandbox of a pod that did not start may never be listed, and is named in the error alone. */
export const ownershipIn = (
  looks: readonly Pick<Look, 'state'>[],
  steps: readonly Pick<StepFacts, 'commands'>[],
): Ownership => ({
  looks,
  idsTold: new Map(
    steps
      .flatMap(({ commands }) => commands)
      .flatMap(({ pod, result: { stdout, stderr } }) =>
        pod === undefined
          ? []
          : [...`${stdout}\n${stderr}`.matchAll(/\b[0-9a-f]{64}\b/g)].map(([id]) => [id, pod] as const),
      ),
  ),
});

/** Of items that are there together: a chain is of the pod whose rule leads to it, and so is the port of a link. */
export function ownersAmong(
  items: readonly StateItem[],
  ownership: Ownership,
): ReadonlyMap<StateItem, string | undefined> {
  const direct = new Map(items.map((item) => [item, ownerOf(item, ownership)]));
  const beside = (item: StateItem): string | undefined => {
    const names = linkedBy(item);
    const other = items.find(
      (one) => direct.get(one) !== undefined && names.some((name) => hasWord(one.name, name)),
    );
    return other && direct.get(other);
  };
  return new Map(items.map((item) => [item, direct.get(item) ?? beside(item)]));
}

/** Names in an item that are one pod's, and that other items of that pod have too. */
function linkedBy({ kind, name }: StateItem): readonly string[] {
  if (kind === 'bridge-port') return [name.slice(name.indexOf('/') + 1)];
  return kind === 'iptables' ? [...name.matchAll(CHAIN_OF_A_POD)].map(([chain]) => chain) : [];
}

const CHAIN_OF_A_POD = /\bCNI-(?:[A-Z]+-)?[0-9a-f]{20,}\b/g;

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Whether a text has a word that is neither the end nor the beginning of a longer one: 10.88.0.2 is not in 10.88.0.21. */
function hasWord(text: string, word: string): boolean {
  for (let at = word === '' ? -1 : text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + word.length] ?? ' '}`;
    if (!/[\w.:-]/.test(around)) return true;
  }
  return false;
}

/** The pod that a step is about: named by it, or by the step that created its container. */
export function podOf(action: PlannedAction, run: RunPlan): string | undefined {
  const container = containerOfAction(action);
  const maker = run.steps.find(
    (step) => container !== undefined && containerMadeBy(step.action) === container,
  );
  return podOfAction(action) ?? (maker === undefined ? undefined : podOfAction(maker.action));
}

import type { NodeState, StateItem, StateKind } from '../core/node-state.ts';
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

/** What counts as left behind, and what does not count because plugins share and keep it. */
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

/** What exists now and did not exist at the start, without items that are part of another reported item. */
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
      !(instruments.kubernetes === true && OF_KUBERNETES[item.kind]?.test(item.name) === true) &&
      !(item.kind === 'conntrack' && !leadsAstray(item, { state, looks })),
  );
  const shared = counted.filter((item) => isShared(item, networks));
  return { own: counted.filter((item) => !shared.includes(item)), shared };
}

/**
 * What kube-proxy and kubelet make for Services, for no pod of a node: chains, their rules, and the rules that lead to them. kube-proxy
 * sets its sysctl when it starts, which may be after the first look.
 */
const OF_KUBERNETES: Partial<Record<StateKind, RegExp>> = {
  iptables: /^ip6? \w+ -[NPA] KUBE-|^ip6? \w+ -A (?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) .*-j KUBE-/,
  sysctl: /^net\.ipv4\.conf\.all\.route_localnet = 1$/,
};

const isShared = (item: StateItem, networks: Networks): boolean => whyShared(item, networks) !== undefined;

/**
 * Whether a tracked flow leads to a pod that is gone, while its sender may still send. Such a flow counts, because the
 * kernel removes it only when no more packets arrive. Between two pods that are both gone, no packets arrive.
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

/** What a scenario itself puts on the node, to observe or create something. No plugin has left it behind. */
export interface Instruments {
  /** files that it writes */
  readonly paths: readonly string[];
  /** its own scripts, contents and commands */
  readonly scripts: readonly string[];
  /** the node is one of a cluster */
  readonly kubernetes?: true;
}

export function instrumentsOf(
  { steps, cluster, node }: Pick<RunPlan, 'steps' | 'cluster'> & { readonly node?: Pick<NodePlan, 'files'> },
  entries: readonly JournalEntry[],
): Instruments {
  const files = [
    ...(node?.files ?? []),
    ...steps.flatMap(({ action }) => specOf(action).files?.(action) ?? []),
  ];
  const scripts = steps.flatMap(({ action }) => specOf(action).scripts?.(action) ?? []);
  return {
    ...(cluster === undefined ? {} : { kubernetes: true }),
    paths: files.map(({ name }) => name),
    scripts: [
      ...[...files, ...scripts].map(textOf),
      ...entries.flatMap((entry) => (entry.kind === 'command' ? entry.result.argv : [])),
    ],
  };
}

/** A path can be read even if the rest is not valid UTF-8. */
const textOf = ({ content, encoding }: Content): string =>
  encoding === undefined ? content : Buffer.from(content, encoding).toString('latin1');

/** Directories that belong to CNI. A file there always counts, whoever wrote it. */
const OWN_PLACES = ['/var/lib/cni', '/run/cni'];

/**
 * Whether the scenario itself made this file: it wrote the file, or the file is in /tmp and its complete path is in one
 * of its scripts. A file whose name a script computes when it runs (`/tmp/state-$CNI_CONTAINERID`) is not included.
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

/** The items in `state` that are not in `baseline`, by kind and name. If two are equal, the second counts too. */
export function itemsBeyond(baseline: NodeState, state: NodeState): readonly StateItem[] {
  const before = new Set(identified(baseline).map(([key]) => key));
  return identified(state)
    .filter(([key]) => !before.has(key))
    .map(([, item]) => item);
}

/**
 * The step in which an item appeared that exists at the last of these looks: the earliest step since which it has
 * always existed. A look that could not see its kind is ignored.
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

/** The step after which an item no longer existed, according to later looks. */
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
 * The pod that an item on a node belongs to. It is found by the id of its sandbox or of a container, its network
 * namespace or its address, anywhere in the name or the detail. Undefined if none of them is found.
 */
export function ownerOf(item: StateItem, { looks, podsById = new Map() }: Ownership): string | undefined {
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
  return owner?.detail?.['podName'] ?? [...podsById].find(([id]) => text.includes(id))?.[1];
}

/** What shows who owns an item. */
export interface Ownership {
  readonly looks: readonly Pick<Look, 'state'>[];
  /** pods by the ids that commands for them printed */
  readonly podsById?: ReadonlyMap<string, string>;
}

/**
 * Everything that shows who owns an item. The sandbox of a pod that did not start may never be listed; only the error
 * contains its id.
 */
export const ownershipIn = (
  looks: readonly Pick<Look, 'state'>[],
  steps: readonly Pick<StepFacts, 'commands'>[],
): Ownership => ({
  looks,
  podsById: new Map(
    steps
      .flatMap(({ commands }) => commands)
      .flatMap(({ pod, result: { stdout, stderr } }) =>
        pod === undefined
          ? []
          : [...`${stdout}\n${stderr}`.matchAll(/\b[0-9a-f]{64}\b/g)].map(([id]) => [id, pod] as const),
      ),
  ),
});

/**
 * The owners of items that exist together. A chain belongs to the pod whose rule leads to it, and a bridge port to the
 * pod of its link.
 */
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

/** Names in an item that belong to one pod and also occur in other items of that pod. */
function linkedBy({ kind, name }: StateItem): readonly string[] {
  if (kind === 'bridge-port') return [name.slice(name.indexOf('/') + 1)];
  return kind === 'iptables' ? [...name.matchAll(CHAIN_OF_A_POD)].map(([chain]) => chain) : [];
}

const CHAIN_OF_A_POD = /\bCNI-(?:[A-Z]+-)?[0-9a-f]{20,}\b/g;

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Whether a text contains a complete word: 10.88.0.2 is not a word in 10.88.0.21. */
function hasWord(text: string, word: string): boolean {
  for (let at = word === '' ? -1 : text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + word.length] ?? ' '}`;
    if (!/[\w.:-]/.test(around)) return true;
  }
  return false;
}

/** The pod that a step is about: the step names it, or it is the pod of the container. */
export function podOf(action: PlannedAction, run: RunPlan): string | undefined {
  const container = containerOfAction(action);
  const maker = run.steps.find(
    (step) => container !== undefined && containerMadeBy(step.action) === container,
  );
  return podOfAction(action) ?? (maker === undefined ? undefined : podOfAction(maker.action));
}

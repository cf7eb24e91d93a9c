import type { NodeState, StateItem } from '../core/node-state.ts';
import { itemsBeyond } from './appeared.ts';
import type { Look } from './facts.ts';
import { networksOf, type Networks } from './networks.ts';
import { isInstrument, type Instruments } from './instruments.ts';
import { whyShared } from './shared.ts';

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

/** What is there and was not at the start, without what is part of another item that is told of. */
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

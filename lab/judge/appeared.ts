import type { NodeState, StateItem } from '../core/node-state.ts';
import type { Look } from './facts.ts';

/** What is in `state` and was not in `baseline`, by kind and name; of two alike the second counts too. */
export function itemsBeyond(baseline: NodeState, state: NodeState): readonly StateItem[] {
  const before = new Set(identified(baseline).map(([key]) => key));
  return identified(state)
    .filter(([key]) => !before.has(key))
    .map(([, item]) => item);
}

/**
 * The step in which an item, there at the last of these looks, appeared: the earliest from which it was always there.
 * A look that could not see its kind tells nothing.
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

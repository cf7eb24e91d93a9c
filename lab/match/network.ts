import type { NetworkCondition } from '../core/node-state.ts';
import type { NetworkExpectation } from '../spec/scenario.ts';
import type { Bindings } from './bindings.ts';
import { matchExpectation } from './text.ts';

/** The values of the names in a network condition if it matches the file; undefined if it does not. */
export function matchNetwork(
  { ready, reason, message }: NetworkExpectation,
  seen: NetworkCondition,
  known: Bindings,
): Bindings | undefined {
  if (seen.ready !== ready) return undefined;
  let bindings = known;
  for (const [wanted, text] of [
    [reason, seen.reason],
    [message, seen.message],
  ] as const) {
    if (wanted === undefined) continue;
    const match = matchExpectation(wanted, text, bindings);
    if (!match.matched) return undefined;
    ({ bindings } = match);
  }
  return bindings;
}

/**
 * A condition as kubelet prints it.
 * https://github.com/kubernetes/kubernetes/blob/v1.24.0/pkg/kubelet/container/runtime.go (RuntimeCondition.String)
 */
export const asKubelet = ({ ready, reason, message }: NetworkCondition): string =>
  `NetworkReady=${ready} reason:${reason} message:${message}`;

import { asKubelet, matchNetwork } from '../match/network.ts';
import type { TextExpectation } from '../spec/scenario.ts';
import { judgeText, type Judged, type Subject } from './check.ts';
import type { Finding } from './verdict.ts';

/** Checks NetworkReady of CRI with its reason and message, as the look saw it. */
export function judgeNetwork({ expect, stepId, state, bindings }: Subject): Judged {
  const { networkReady: wanted } = expect;
  if (wanted === undefined) return { findings: [], bindings };
  const common = { check: 'network-ready', stepId, place: wanted.place } as const;
  const seen = state?.network;
  if (seen === undefined || 'unseen' in seen) {
    const message = `whether the network is ready is not known: ${seen?.unseen ?? 'nobody asked'}`;
    return { findings: [{ ...common, outcome: 'inconclusive', message }], bindings };
  }
  if (seen.ready !== wanted.ready) {
    const finding: Finding = {
      ...common,
      outcome: 'fail',
      message: `${asKubelet(seen)}, expected NetworkReady=${wanted.ready}`,
      expected: `network-ready: ${wanted.ready}`,
      actual: asKubelet(seen),
    };
    return { findings: [finding], bindings };
  }
  const texts: readonly (readonly [string, TextExpectation | undefined, string])[] = [
    ['the reason of NetworkReady', wanted.reason, seen.reason],
    ['the message of NetworkReady', wanted.message, seen.message],
  ];
  const asWanted: Finding = {
    ...common,
    outcome: 'pass',
    message: `NetworkReady=${seen.ready}, as expected`,
  };
  return texts.reduce<Judged>(
    (before, [subject, text, actual]) => {
      if (text === undefined) return before;
      const about = { check: 'network-ready', stepId, subject, bindings: before.bindings } as const;
      const after = judgeText(text, actual, about);
      return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
    },
    { findings: [asWanted], bindings },
  );
}

/**
 * Whether the condition may still change into or out of what is expected. The runtime reads a new or removed
 * configuration only after a moment.
 */
export function networkMayChange({ expect, state, bindings }: Subject): 'no' | 'into' | 'out of' {
  const { networkReady: wanted } = expect;
  const seen = state?.network;
  if (wanted === undefined || seen === undefined || 'unseen' in seen) return 'no';
  return matchNetwork(wanted, seen, bindings) === undefined ? 'into' : 'out of';
}

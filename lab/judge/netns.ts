import type { Subject } from './check.ts';
import type { Finding } from './verdict.ts';

/**
 * Checks how network namespaces appeared and disappeared during a step, or during the complete run at its end. The
 * recorder on the node saw them.
 */
export function judgeNetns({ expect, stepId, facts }: Subject): readonly Finding[] {
  const { netns: wanted } = expect;
  if (wanted === undefined) return [];
  const finding = { check: 'netns', stepId, place: wanted.place } as const;
  if ('unknown' in facts.calls) {
    const message = `how network namespaces came and went is not known: ${facts.calls.unknown}`;
    return [{ ...finding, outcome: 'inconclusive', message }];
  }
  const came = facts.netnsChanges.filter((one) => stepId === 'end' || one.stepId === stepId);
  const expected = listOf(wanted.changes);
  const actual = listOf(came.map(({ change }) => change));
  if (actual === expected)
    return [{ ...finding, outcome: 'pass', message: `network namespaces: ${actual}, as expected` }];
  return [
    {
      ...finding,
      outcome: 'fail',
      message: `network namespaces: ${actual}, expected ${expected}`,
      expected,
      actual,
      paste: `netns: ${actual}`,
      detail: came.map(({ name, change }) => `${name} ${change}`),
    },
  ];
}

const listOf = (changes: readonly string[]): string => `[${changes.join(', ')}]`;

import { isDeepStrictEqual } from 'node:util';

import type { NodeState, StateItem } from '../core/node-state.ts';
import type { PodExpectation } from '../spec/scenario.ts';
import type { Bindings } from '../match/bindings.ts';
import { fillIn, matchExact } from '../match/text.ts';
import { flowList, scalarOf } from './paste.ts';
import type { Subject } from './check.ts';
import type { Finding } from './verdict.ts';

/**
 * Checks the state and addresses of pods, as CRI lists them. If a pod was run several times, the newest sandbox counts.
 */
export function judgePods(subject: Subject): readonly Finding[] {
  const { expect, stepId, state, pod, bindings } = subject;
  const finding = { check: 'pod', stepId, place: expect.place } as const;
  if (expect.pods === undefined && expect.pod === undefined) return [];
  const blind =
    state === undefined ? 'nobody looked' : state.unseen.find(({ kind }) => kind === 'sandbox')?.why;
  if (state === undefined || blind !== undefined) {
    return [{ ...finding, outcome: 'inconclusive', message: `the pods are not known: ${blind ?? ''}` }];
  }

  if (expect.pod !== undefined && pod === undefined)
    return [{ ...finding, outcome: 'inconclusive', message: 'this step is about no pod' }];
  const byName = expect.pods === undefined || expect.pods === 'none' ? {} : expect.pods;
  const wanted = [
    ...(expect.pod === undefined || pod === undefined
      ? []
      : [{ name: pod, expected: expect.pod, paste: (came: string) => `pod: ${came}` }]),
    ...Object.entries(byName).map(([name, expected]) => ({
      ...{ name, expected },
      paste: (came: string) => `pods: { ${scalarOf(name)}: ${came} }`,
    })),
  ];
  return [
    ...wanted
      .filter(({ expected: { state: how, ips, ignored } }) =>
        [how, ips, ignored].some((one) => one !== undefined),
      )
      .map(({ name, expected, paste }) => {
        const answer = judgePod(name, { expected, state, bindings });
        return {
          ...finding,
          ...answer,
          ...(answer.actual === undefined ? {} : { paste: paste(answer.actual) }),
        };
      }),
    ...(expect.pods === 'none' ? [{ ...finding, ...judgeNone(state) }] : []),
  ];
}

type Answer = Pick<Finding, 'outcome' | 'message' | 'expected' | 'actual' | 'detail' | 'paste'>;

function judgeNone(state: NodeState): Answer {
  const sandboxes = state.items.filter(({ kind }) => kind === 'sandbox');
  if (sandboxes.length === 0) return { outcome: 'pass', message: 'no pods, as expected' };
  return {
    outcome: 'fail',
    message: `${sandboxes.length} pod sandbox${sandboxes.length === 1 ? '' : 'es'} listed, expected none`,
    expected: 'none',
    actual: String(sandboxes.length),
    paste: `pods: { ${[...new Set(sandboxes.map(({ detail }) => detail?.['podName'] ?? '?'))]
      .map((name) => `${scalarOf(name)}: { state: ${newestSandbox(name, state)?.detail?.['state'] ?? '?'} }`)
      .join(', ')} }`,
    detail: sandboxes.map(
      ({ name, detail }) => `${name} of pod ${detail?.['podName'] ?? '?'} is ${detail?.['state'] ?? '?'}`,
    ),
  };
}

function judgePod(
  name: string,
  { expected, state, bindings }: { expected: PodExpectation; state: NodeState; bindings: Bindings },
): Answer {
  const sandbox = newestSandbox(name, state);
  const actual = {
    state: sandbox?.detail?.['state'] ?? (sandbox === undefined ? 'absent' : 'unknown'),
    ips: ipsOf(sandbox),
    ignored: ignoredOf(name, bindings),
  };
  const stateHolds = expected.state === undefined || expected.state === actual.state;
  const ipsHold = expected.ips === undefined || sameIps(expected.ips, { actual: actual.ips, bindings });
  const ignoredHold =
    expected.ignored === undefined || isDeepStrictEqual(new Set(expected.ignored), new Set(actual.ignored));
  const wanted = yaml({ ...expected, ips: filledIps(expected.ips, bindings) });
  if (stateHolds && ipsHold && ignoredHold)
    return { outcome: 'pass', message: `pod ${name} is ${wanted}, as expected` };
  const count = typeof expected.ips === 'number' ? actual.ips.length : actual.ips;
  const came = yaml({
    state: actual.state,
    ips: expected.ips === undefined ? undefined : count,
    ignored: expected.ignored === undefined ? undefined : actual.ignored,
  });
  return {
    outcome: 'fail',
    message: `pod ${name} is ${came}, expected ${wanted}`,
    expected: wanted,
    actual: came,
    detail: sandbox === undefined ? [] : [`sandbox ${sandbox.name} has ${flowList(actual.ips)}`],
  };
}

function newestSandbox(pod: string, { items }: NodeState): StateItem | undefined {
  const attempt = ({ detail }: StateItem) => Number(detail?.['attempt'] ?? 0);
  return items
    .filter(({ kind, detail }) => kind === 'sandbox' && detail?.['podName'] === pod)
    .sort((a, b) => attempt(b) - attempt(a))[0];
}

const ipsOf = (sandbox: StateItem | undefined): readonly string[] =>
  (sandbox?.detail?.['ips'] ?? '').split(',').filter((ip) => ip !== '');

function sameIps(
  expected: number | readonly string[],
  { actual, bindings }: { actual: readonly string[]; bindings: Bindings },
): boolean {
  if (typeof expected === 'number') return actual.length === expected;
  return (
    actual.length === expected.length &&
    expected.every((template, index) => matchExact(template, actual[index] ?? '', bindings).matched)
  );
}

function filledIps(ips: PodExpectation['ips'], bindings: Bindings): PodExpectation['ips'] {
  return typeof ips === 'object' ? ips.map((template) => fillIn(template, bindings)) : ips;
}

interface Shown {
  readonly state?: string | undefined;
  readonly ips?: PodExpectation['ips'] | undefined;
  readonly ignored?: readonly string[] | undefined;
}

function yaml({ state, ips, ignored }: Shown): string {
  const parts = [
    ...(state === undefined ? [] : [`state: ${state}`]),
    ...(ips === undefined ? [] : [`ips: ${typeof ips === 'number' ? ips : flowList(ips)}`]),
    ...(ignored === undefined ? [] : [`ignored: ${flowList(ignored)}`]),
  ];
  return `{ ${parts.join(', ')} }`;
}

/** The keys of a pod that the runtime ignored, as the lab saw it when the pod was run. */
const ignoredOf = (pod: string, bindings: Bindings): readonly string[] =>
  (bindings.get(`${pod}.ignored`) ?? '').split(',').filter((key) => key !== '');

/** Fails if the runtime ignored keys of a pod and the file does not expect that. */
export function judgeIgnored(
  { stepId, expect, bindings }: Pick<Subject, 'stepId' | 'expect' | 'bindings'>,
  pod: string,
): readonly Finding[] {
  const ignored = ignoredOf(pod, bindings);
  if (ignored.length === 0 || expect.pod?.ignored !== undefined) return [];
  const message = `the runtime does not know ${ignored.join(', ')} of pod ${pod}, and has run it without`;
  const actual = `ignored: ${flowList(ignored)}`;
  return [
    { check: 'pod', outcome: 'fail', stepId, place: expect.place, message, expected: 'ignored: []', actual },
  ];
}

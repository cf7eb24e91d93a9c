import { endOfCall, nameCall, type CniCall } from '../core/cni-call.ts';
import type { Bindings } from '../match/bindings.ts';
import { countCalls, matchCalls, matchInOrder, nearestCall } from '../match/call.ts';
import type { CallExpectation, Expectation } from '../spec/scenario.ts';
import { callAsFile, orderAsFile } from './paste-call.ts';
import type { Names } from './paste.ts';
import type { Judged, Subject } from './check.ts';
import type { Finding } from './verdict.ts';

/** Checks plugin calls: calls that must exist, calls that must not, and their order. */
export function judgeCalls(subject: Subject): Judged {
  const { expect, stepId, calls: known } = subject;
  if ('unknown' in known) {
    const findings = expectedCalls(expect).map(({ check, call }): Finding => ({
      ...{ check, stepId, place: call.place, outcome: 'inconclusive' },
      message: `the plugin calls are not known: ${known.unknown}`,
    }));
    return { findings, bindings: subject.bindings };
  }
  const { calls } = known;
  const found = judgeFound(subject, calls);
  const order = judgeOrder({ ...subject, bindings: found.bindings }, calls);
  return {
    findings: [
      ...found.findings,
      ...judgeUnwanted({ ...subject, bindings: order.bindings }, calls),
      ...order.findings,
    ],
    bindings: order.bindings,
  };
}

/** The names that replace values in a file. The id of a pod that just failed to run belongs to no capture. */
const namesOf = ({ facts, pod }: Subject, bindings: Bindings): Names => ({
  bindings,
  variables: facts.variables,
  unborn: pod,
});

/** Every call that an expectation specifies, with its check. An order is one finding, at its first call. */
const expectedCalls = ({ calls = [], noCalls = [], callOrder = [] }: Expectation) => [
  ...calls.map((call) => ({ check: 'calls', call }) as const),
  ...noCalls.map((call) => ({ check: 'no-calls', call }) as const),
  ...callOrder.slice(0, 1).map((call) => ({ check: 'call-order', call }) as const),
];

function judgeFound(subject: Subject, calls: readonly CniCall[]): Judged {
  const { expect, stepId, bindings } = subject;
  const wanted = expect.calls ?? [];
  const each = wanted.filter(({ times }) => times === undefined);
  const assigned = matchCalls(each, calls, bindings);
  const findings = wanted.map((one): Finding => {
    const finding = { check: 'calls', stepId, place: one.place } as const;
    const { found, undecided } = countCalls(one, calls, assigned.bindings);
    const item = one.times === undefined ? assigned.items[each.indexOf(one)] : undefined;
    const isThere =
      one.times === undefined ? typeof item === 'number' : found.length === one.times && !undecided;
    if (isThere)
      return { ...finding, outcome: 'pass', message: `${describeCall(one)} was called, as expected` };
    const isUnknown = one.times === undefined ? item === 'undecided' : undecided && found.length <= one.times;
    if (isUnknown) return { ...finding, outcome: 'inconclusive', message: UNDECIDED };
    return {
      ...finding,
      outcome: 'fail',
      ...missing(one, {
        calls,
        found,
        bindings: assigned.bindings,
        names: namesOf(subject, assigned.bindings),
      }),
    };
  });
  return { findings, bindings: assigned.bindings };
}

const UNDECIDED =
  'whether the call is as expected is not known: too much passed through it, or names fit in too many ways';

function missing(
  wanted: CallExpectation,
  {
    calls,
    found,
    bindings,
    names,
  }: { calls: readonly CniCall[]; found: readonly CniCall[]; bindings: Bindings; names: Names },
): Pick<Finding, 'message' | 'expected' | 'actual' | 'detail' | 'paste'> {
  const what = describeCall(wanted);
  const count = `${found.length} ${found.length === 1 ? 'call is' : 'calls are'} as expected`;
  const times = wanted.times ?? 1;
  const near = found.length > 0 ? undefined : nearestCall(wanted, calls, bindings);
  const isSame =
    near !== undefined && !near.differences.some(({ part }) => part === 'plugin' || part === 'verb');
  // a call that another entry has taken says nothing about this one
  const fitting = wanted.times === undefined ? undefined : found[0];
  const like = fitting ?? (isSame ? near.call : undefined);
  const measured = like && measuredCall(wanted, { like, calls, names });
  return {
    ...(measured === undefined ? {} : { paste: `calls: ${measured}` }),
    message:
      found.length > 0 || wanted.times !== undefined
        ? `${what}: ${count}, expected ${times}${wanted.times === undefined ? ' more' : ''}`
        : `${what} was not called${isSame ? ' like that' : ''}`,
    expected: wanted.times === undefined ? what : `${what}, ${wanted.times} times`,
    actual: shownCalls(calls),
    detail: [
      ...(near !== undefined && isSame
        ? [
            `the nearest call is ${nameCall(near.call)}, number ${near.call.call}`,
            ...near.differences.flatMap(({ part, expected, actual }) => [
              `${part}: expected  ${expected}`,
              `${part}: actual    ${actual}`,
            ]),
          ]
        : []),
      ...linesOf(calls),
    ],
  };
}

/** The expected parts of a call with the values of this call, and the number of calls with the same values. */
function measuredCall(
  wanted: CallExpectation,
  { like, calls, names }: { like: CniCall; calls: readonly CniCall[]; names: Names },
): string {
  const text = callAsFile(wanted, like, { names });
  const times = calls.filter((call) => callAsFile(wanted, call, { names }) === text).length;
  return wanted.times === undefined ? text : callAsFile(wanted, like, { names, times });
}

function judgeUnwanted(subject: Subject, calls: readonly CniCall[]): readonly Finding[] {
  const { expect, stepId, bindings } = subject;
  const any = { env: {}, noEnv: [], noInput: [], plugin: '', verb: '' };
  return (expect.noCalls ?? []).map((unwanted): Finding => {
    const finding = { check: 'no-calls', stepId, place: unwanted.place } as const;
    const { found, undecided } = countCalls(unwanted, calls, bindings);
    const what = describeCall(unwanted);
    const [first] = found;
    if (first !== undefined)
      return {
        ...finding,
        outcome: 'fail',
        paste: `calls: ${callAsFile({ ...any, place: unwanted.place }, first, { names: namesOf(subject, bindings) })}`,
        message: `${what} was called${found.length === 1 ? '' : ` ${found.length} times`}, expected no such call`,
        expected: `no ${what}`,
        actual: shownCalls(found),
        detail: linesOf(found),
      };
    if (undecided) return { ...finding, outcome: 'inconclusive', message: UNDECIDED };
    return { ...finding, outcome: 'pass', message: `${what} was not called, as expected` };
  });
}

function judgeOrder(subject: Subject, calls: readonly CniCall[]): Judged {
  const { expect, stepId, bindings } = subject;
  const { callOrder = [] } = expect;
  const [first] = callOrder;
  if (first === undefined) return { findings: [], bindings };
  const { found, undecided, bindings: bound } = matchInOrder(callOrder, calls, bindings);
  const lacking = callOrder[found.length];
  const finding = { check: 'call-order', stepId, place: (lacking ?? first).place } as const;
  if (lacking === undefined)
    return {
      findings: [{ ...finding, outcome: 'pass', message: 'the calls are in the expected order' }],
      bindings: bound,
    };
  if (undecided) return { findings: [{ ...finding, outcome: 'inconclusive', message: UNDECIDED }], bindings };
  const before = found.at(-1);
  const order = orderAsFile(callOrder, calls, namesOf(subject, bindings));
  const wrong: Finding = {
    ...(order === undefined ? {} : { paste: `call-order: ${order}` }),
    ...finding,
    outcome: 'fail',
    message: `${describeCall(lacking)} was not called${before === undefined ? '' : ` after ${nameCall(before)}`}`,
    expected: `[${callOrder.map(describeCall).join(', ')}]`,
    actual: shownCalls(calls),
    detail: linesOf(calls),
  };
  return { findings: [wrong], bindings };
}

/** The name of an expected call, `bridge > host-local ADD`, and the names of the other parts that are expected. */
export function describeCall(wanted: CallExpectation): string {
  const { plugin = 'any plugin', verb = '', within, place: _place, times: _times, ...more } = wanted;
  const name =
    `${within === undefined || within === 'none' ? '' : `${within} > `}${plugin} ${verb}`.trimEnd();
  const { env, noEnv, noInput, ...rest } = more;
  const parts = [
    ...(within === 'none' ? ['within'] : []),
    ...Object.keys(env),
    ...noEnv.map((one) => `no ${one}`),
    ...noInput.map((path) => `no ${path}`),
    ...Object.keys(rest).map((key) => (key === 'exitCode' ? 'exit-code' : key)),
  ];
  return parts.length === 0 ? name : `${name} (with its ${parts.join(', ')})`;
}

/** The order of calls, as a file would list it. */
const shownCalls = (calls: readonly CniCall[]): string => `[${calls.map(nameCall).join(', ')}]`;

const linesOf = (calls: readonly CniCall[]): readonly string[] =>
  calls.length === 0
    ? ['no plugin was called']
    : calls.map((call) => `call ${call.call} of ${call.stepId}: ${nameCall(call)}: ${endOfCall(call)}`);

import { isDeepStrictEqual } from 'node:util';

import { newestContainer, type NodeState, type StateItem } from '../core/node-state.ts';
import type { Bindings } from '../match/bindings.ts';
import type { ContainerExpectation, Expectation, TextExpectation } from '../spec/scenario.ts';
import { judgeText, type Judged, type Subject } from './check.ts';
import { flowList, inContainer, scalarOf } from './paste.ts';
import type { Finding } from './verdict.ts';

interface Wanted {
  readonly name: string;
  readonly expected: ContainerExpectation;
}

/** The containers in an expectation. The container of the step is included under its name. */
export const containersOf = (
  { container, containers = {} }: Pick<Expectation, 'container' | 'containers'>,
  ofStep: string | undefined,
): readonly Wanted[] => [
  ...(container === undefined || ofStep === undefined ? [] : [{ name: ofStep, expected: container }]),
  ...Object.entries(containers).map(([name, expected]) => ({ name, expected })),
];

/**
 * Checks the state of containers and how they exited, as CRI reports it. If several have one name, the newest counts.
 */
export function judgeContainers(subject: Subject): Judged {
  const { expect, stepId, state, container: ofStep, bindings } = subject;
  if (expect.container !== undefined && ofStep === undefined) {
    const { place } = expect.container;
    const message = 'this step is about no container';
    return { findings: [{ check: 'container', outcome: 'inconclusive', stepId, place, message }], bindings };
  }
  const wanted = containersOf(expect, ofStep);
  const blind =
    state === undefined ? 'nobody looked' : state.unseen.find(({ kind }) => kind === 'container')?.why;
  if (state === undefined || blind !== undefined) {
    const message = `the containers are not known: ${blind ?? ''}`;
    const findings = wanted.map(({ expected: { place } }): Finding => ({
      ...{ check: 'container', outcome: 'inconclusive', stepId, place, message },
    }));
    return { findings, bindings };
  }
  return wanted.reduce<Judged>(
    (before, one) => {
      const after = judgeContainer(one, { subject, state, bindings: before.bindings });
      return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
    },
    { findings: [], bindings },
  );
}

function judgeContainer(
  { name, expected }: Wanted,
  { subject, state, bindings }: { subject: Subject; state: NodeState; bindings: Bindings },
): Judged {
  const { stepId, expect } = subject;
  const item = newestContainer(name, state);
  const seen = seenOf(item);
  const finding = { check: 'container', stepId, place: expected.place } as const;
  const isOfStep = expected === expect.container;
  const ignored = ignoredOf(name, bindings);
  const holds =
    (expected.state ?? seen.state) === seen.state &&
    (expected.exitCode ?? seen.exitCode) === seen.exitCode &&
    (expected.restarts ?? seen.restarts) === seen.restarts &&
    (expected.ignored === undefined || isDeepStrictEqual(new Set(expected.ignored), new Set(ignored)));
  const texts = textsOf(expected, seen);
  // only a container that has exited has an exit code, a reason and a message
  const hasEnd = seen.state === 'exited';
  const { reason: _reason, message: _message, ...scalars } = expected;
  const wanted = shown(hasEnd ? scalars : expected);
  const asksEnd = expected.exitCode !== undefined || texts.length > 0;
  const came = shown({
    state: expected.state !== undefined || (asksEnd && !hasEnd) ? seen.state : undefined,
    exitCode: expected.exitCode === undefined ? undefined : seen.exitCode,
    restarts: expected.restarts === undefined ? undefined : seen.restarts,
    ignored: expected.ignored === undefined ? undefined : ignored,
  });
  const isAsWanted = holds && (hasEnd || texts.length === 0);
  const first: Finding = isAsWanted
    ? { ...finding, outcome: 'pass', message: `container ${name} is ${wanted}, as expected` }
    : {
        ...finding,
        outcome: 'fail',
        message: `container ${name} is ${came}, expected ${wanted}`,
        expected: wanted,
        actual: came,
        detail: [describeContainer(name, item), ...logLines(item)],
        paste: inContainer({ name: isOfStep ? undefined : name }, came),
      };
  if (!hasEnd) return { findings: [first], bindings };
  return texts.reduce<Judged>(
    (before, { what, text, actual }) => {
      const about = {
        ...({ check: 'container', stepId } as const),
        ...{
          subject: `the ${what} of container ${name}`,
          bindings: before.bindings,
          context: logLines(item),
        },
      };
      const after = judgeText(text, actual, about);
      return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
    },
    { findings: wanted === '{}' ? [] : [first], bindings },
  );
}

interface Seen {
  readonly state: string;
  readonly exitCode: number | undefined;
  readonly reason: string;
  readonly message: string;
  readonly restarts: number | undefined;
}

function seenOf(item: StateItem | undefined): Seen {
  const { state = 'unknown', exitCode, reason = '', message = '', attempt } = item?.detail ?? {};
  return {
    state: item === undefined ? 'absent' : state,
    exitCode: exitCode === undefined ? undefined : Number(exitCode),
    reason,
    message,
    restarts: attempt === undefined ? undefined : Number(attempt),
  };
}

const textsOf = (
  { reason, message }: ContainerExpectation,
  seen: Seen,
): readonly { what: 'reason' | 'message'; text: TextExpectation; actual: string }[] => [
  ...(reason === undefined ? [] : [{ what: 'reason', text: reason, actual: seen.reason } as const]),
  ...(message === undefined ? [] : [{ what: 'message', text: message, actual: seen.message } as const]),
];

interface Shown {
  readonly state?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: TextExpectation | undefined;
  readonly message?: TextExpectation | undefined;
  readonly restarts?: number | undefined;
  readonly ignored?: readonly string[] | undefined;
}

function shown({ state, exitCode, reason, message, restarts, ignored }: Shown): string {
  const parts = [
    ...(state === undefined ? [] : [`state: ${state}`]),
    ...(exitCode === undefined ? [] : [`exit-code: ${exitCode}`]),
    ...(reason === undefined ? [] : [`reason: ${shownText(reason)}`]),
    ...(message === undefined ? [] : [`message: ${shownText(message)}`]),
    ...(restarts === undefined ? [] : [`restarts: ${restarts}`]),
    ...(ignored === undefined ? [] : [`ignored: ${flowList(ignored)}`]),
  ];
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

const shownText = (text: TextExpectation): string =>
  'exact' in text ? scalarOf(text.exact) : `{ contains: ${scalarOf(text.contains)} }`;

/** The state of a container for people: `container app exited with 3: Error` */
export function describeContainer(name: string, item: StateItem | undefined): string {
  const { state, exitCode, reason, message } = seenOf(item);
  if (exitCode === undefined) return `container ${name} is ${state}`;
  return [`container ${name} exited with ${exitCode}`, reason, message]
    .filter((text) => text !== '')
    .join(': ');
}

/** The last lines that a container printed, without the times that the runtime adds to them. */
export const logLines = (item: StateItem | undefined): readonly string[] =>
  (item?.log ?? []).map((line) => {
    const [, stream = '', text = line] = /^\S+ (stdout|stderr) [FP] (.*)$/s.exec(line) ?? [];
    return `its log  ${stream === 'stderr' ? 'stderr: ' : ''}${text}`;
  });

/** Whether the containers may still change into what is expected. A runtime notices an exit only after a moment. */
export function containersMayChange(subject: Subject): boolean {
  const { expect, state, container: ofStep } = subject;
  if (state === undefined) return false;
  return containersOf(expect, ofStep).some(({ name, expected }) => {
    const seen = seenOf(newestContainer(name, state));
    const ends = expected.state === 'exited' || expected.state === 'absent' || asksEnd(expected);
    const isOther = expected.state !== undefined && expected.state !== seen.state;
    return ends && (isOther || (asksEnd(expected) && seen.state !== 'exited'));
  });
}

const asksEnd = ({ exitCode, reason, message }: ContainerExpectation): boolean =>
  [exitCode, reason, message].some((one) => one !== undefined);

/** The keys of a container that the runtime ignored, as the lab saw it when the container was created. */
const ignoredOf = (container: string, bindings: Bindings): readonly string[] =>
  (bindings.get(`${container}.ignored`) ?? '').split(',').filter((key) => key !== '');

/** Fails if the runtime ignored keys of a container and the file does not expect that. */
export function judgeIgnoredOfContainer(
  { stepId, expect, bindings }: Pick<Subject, 'stepId' | 'expect' | 'bindings'>,
  container: string,
): readonly Finding[] {
  const ignored = ignoredOf(container, bindings);
  if (ignored.length === 0 || expect.container?.ignored !== undefined) return [];
  const message = `the runtime does not know ${ignored.join(', ')} of container ${container}, and has created it without`;
  const actual = `ignored: ${flowList(ignored)}`;
  return [
    {
      ...{ check: 'container', outcome: 'fail', stepId, place: expect.place, message },
      ...{ expected: 'ignored: []', actual, paste: `container: { ${actual} }` },
    },
  ];
}

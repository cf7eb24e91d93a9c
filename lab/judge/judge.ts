import type { JournalEntry } from '../observe/observation.ts';
import type { Runtimes } from '../core/runtime.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Expectation } from '../spec/scenario.ts';
import { bind, forgetPod, type Bindings } from '../match/bindings.ts';
import { configTrouble, judgeStart, compareRuntime, judgeRuntime, runtimeBefore } from './runtime.ts';
import { capturesOf } from './captures-of.ts';
import { causeOf } from './failures.ts';
import { judgeCleanup, isComplete, judgeNotRun, judgeRan } from './ran.ts';
import { judgeCalls } from './calls.ts';
import { newestContainer } from '../core/node-state.ts';
import { describeContainer, judgeContainers, judgeIgnoredOfContainer, logLines } from './containers.ts';
import { judgeControl } from './control.ts';
import { judgeError, judgeExitCode, judgeOk, judgeOutput } from './commands.ts';
import {
  callsIn,
  type RunFacts,
  type StepFacts,
  stepsIn,
  viewsOf,
  type View,
  type ViewedStep,
} from './facts.ts';
import { lastLines, judgeLog, judgeNoLog } from './log.ts';
import { judgeLeftBehind } from './left-behind.ts';
import { judgeNetns } from './netns.ts';
import { judgeNetwork } from './network.ts';
import { withPaste } from './paste.ts';
import { podOf } from './left-over.ts';
import { judgeIgnored, judgePods } from './pods.ts';
import { containerMadeBy, containerOfAction, podMadeBy } from '../spec/verbs/verbs.ts';
import type { Judged, Subject } from './check.ts';
import { judgeTimedOut, limitsOf } from './timed-out.ts';
import { present } from '../spec/object-shape.ts';
import { worst, type Finding, type Verdict } from './verdict.ts';

/**
 * What a recorded run shows of what its plan expects. Pure: the same plan and the same journal are the same verdict
 * anywhere. Each expectation gives one finding at least, passing ones too; a journal that breaks off is not knowing.
 */
export function judge(run: RunPlan, entries: readonly JournalEntry[], runtimes: Runtimes): Verdict {
  const views = viewsOf(run, entries, runtimes);
  const all = { run, steps: stepsIn(run, views, entries) };
  const taken = all.steps.slice(0, countTaken(all.steps));
  const steps = taken.reduce<Judged>((before, step) => {
    const after = judgeStep(step, { all, bindings: before.bindings });
    return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
  }, judgeStarts(views));
  const end =
    taken.length === run.steps.length
      ? views.flatMap((view) => ofNode(view, judgeEnd(view, steps.bindings)))
      : [];
  const facts = wholeOf(views, all.steps);
  const findings = [
    ...withCauses(steps.findings, { run, steps: taken }),
    ...end,
    ...judgeRan(run, facts),
    ...judgeCleanup(run, facts),
  ];

  if (run.control === undefined) return { outcome: worst(findings.map(({ outcome }) => outcome)), findings };
  const control = judgeControl(run.control, { findings, complete: isComplete(facts), stepId: 'end' });
  return { outcome: control.outcome, findings: [...findings, { ...control, place: run.scenario.place }] };
}

/** How the nodes started; what one of them captured is known to all. */
function judgeStarts(views: readonly View[]): Judged {
  const judged = views.map((view) => ({ view, ...judgeStart(view.run, view.facts) }));
  return {
    findings: judged.flatMap(({ view, findings, bindings }) =>
      ofNode(
        view,
        findings.map((finding) => offeredAtStart(finding, view, bindings)),
      ),
    ),
    bindings: new Map(judged.flatMap(({ bindings }) => [...bindings])),
  };
}

const offeredAtStart = (finding: Finding, { run, facts }: View, bindings: Bindings): Finding =>
  finding.outcome === 'fail' && run.start !== undefined
    ? withPaste(finding, {
        expect: run.start,
        names: { bindings, variables: facts.variables() },
        runtime: facts.runtime,
        network: facts.start.state?.network,
      })
    : finding;

/** Where there are several nodes, a finding says whose it is. */
const ofNode = ({ run: { name } }: View, findings: readonly Finding[]): readonly Finding[] =>
  name === undefined ? findings : findings.map((finding) => ({ ...finding, node: name }));

/** Whether the lab did its part is a matter of all nodes: the first start of which something is missing is reported. */
function wholeOf(views: readonly View[], steps: readonly StepFacts[]): RunFacts {
  const starts = views.map(({ facts }) => facts);
  const [first] = starts;
  if (first === undefined) throw new Error('a run has one node at least');
  const wrong =
    starts.find(({ start }) => start.missing !== undefined) ??
    starts.find(({ start }) => start.failed !== undefined);
  const troubles = [...new Set(starts.flatMap((facts) => facts.troubles))];
  return { ...first, start: (wrong ?? first).start, steps, troubles };
}

/** What a step that was not taken makes of its expectations is no news where the step that is to blame has its own. */
function withCauses(
  findings: readonly Finding[],
  { run, steps }: { readonly run: RunPlan; readonly steps: readonly StepFacts[] },
): readonly Finding[] {
  const bad = findings.filter(({ outcome }) => outcome !== 'pass');
  const causes = new Map(
    steps
      .filter(({ notRun }) => notRun !== undefined)
      .map((step) => [step.step.id, causeOf(step, { run, steps })]),
  );
  return findings.map((finding) => {
    const cause = causes.get(finding.stepId);
    if (cause === undefined || !bad.includes(finding)) return finding;
    return bad.some(({ stepId }) => stepId === cause) ? { ...finding, causedBy: cause } : finding;
  });
}

/** Steps are judged up to the first that was not taken to its end: after it nothing is known, captures included. */
function countTaken(steps: readonly StepFacts[]): number {
  const first = steps.findIndex(({ ended }) => !ended);
  return first < 0 ? steps.length : first;
}

interface Context {
  /** the steps of all nodes */
  readonly all: { readonly run: RunPlan; readonly steps: readonly ViewedStep[] };
  readonly bindings: Bindings;
}

function judgeStep(step: ViewedStep, context: Context): Judged {
  const { facts } = step.view;
  const { did, subject } = subjectOf(step, context);
  const state = judgeState(subject);
  const pod = podMadeBy(step.step.action);
  const container = containerMadeBy(step.step.action);
  const ignored = [
    ...(pod === undefined ? [] : judgeIgnored(subject, pod)),
    ...(container === undefined ? [] : judgeIgnoredOfContainer(subject, container)),
  ];
  const { stale } = capturesOf(step);
  const findings = withLog(
    [
      ...withContainer(did.findings, subject),
      // what the runtime did while several steps went on is of the step that started them
      ...(step.step.within === undefined
        ? judgeRuntime(step, { before: runtimeBefore(step.step.id, facts), name: facts.runtime.name })
        : []),
      ...ignored,
      ...state.findings,
    ].map((finding) => offered(finding, subject, pod)),
    step.log ?? '',
    logUpTo(step, facts),
  );
  return { findings: ofNode(step.view, findings), bindings: bind(state.bindings, stale) };
}

/** A step about a container that does not pass shows how the container is, and the last of its log. */
function withContainer(findings: readonly Finding[], { container, state }: Subject): readonly Finding[] {
  const item = container === undefined || state === undefined ? undefined : newestContainer(container, state);
  if (container === undefined || item === undefined) return findings;
  const lines = [describeContainer(container, item), ...logLines(item)];
  return findings.map((finding) =>
    finding.outcome === 'pass' ? finding : { ...finding, detail: [...(finding.detail ?? []), ...lines] },
  );
}

const offered = (finding: Finding, { expect, bindings, facts, state }: Subject, unborn?: string): Finding =>
  finding.outcome === 'fail'
    ? withPaste(finding, {
        expect,
        names: { bindings, variables: facts.variables(), unborn },
        runtime: facts.runtime,
        network: state?.network,
      })
    : finding;

/** What a step's own commands did, and what its other expectations are held against. */
function subjectOf(
  step: ViewedStep,
  { all, bindings: before }: Context,
): { readonly did: Judged; readonly subject: Subject } {
  const { expect, id: stepId } = step.step;
  const { facts } = step.view;
  const { fresh } = capturesOf(step);
  const pod = podMadeBy(step.step.action);
  const started = pod === undefined ? before : forgetPod(before, pod);

  const notRun = judgeNotRun(step, causeOf(step, all));
  const did =
    notRun.length === 0 ? judgeDeeds(step, bind(started, fresh)) : { findings: notRun, bindings: started };
  const subject = {
    stepId,
    expect,
    state: step.state,
    log: step.log,
    pod: podOf(step.step.action, all.run),
    container: containerOfAction(step.step.action),
    calls: callsIn(facts.calls, step.step),
    facts,
    bindings: did.bindings,
  };
  return { did, subject };
}

/** A look at a node: after which step, or at the end; and what the runtimes are that a plan may name. */
export interface LookAt {
  readonly stepId: string;
  readonly node: string | undefined;
  readonly runtimes: Runtimes;
}

/**
 * What is held against what the last look saw: the expectations of the step that was taken last, and those of the end
 * where it was the last of all.
 */
export function lastSubjects(
  run: RunPlan,
  entries: readonly JournalEntry[],
  { stepId, node, runtimes }: LookAt,
): readonly Subject[] {
  const views = viewsOf(run, entries, runtimes);
  const view = views.find((one) => one.run.name === node);
  const all = { run, steps: stepsIn(run, views, entries) };
  const taken = all.steps.slice(0, countTaken(all.steps));
  const last = stepId === 'end' ? undefined : taken.at(-1)?.step.id;
  const subjects: Subject[] = [];
  let after = judgeStarts(views).bindings;
  for (const step of taken) {
    const context = { all, bindings: after };
    const { id, within } = step.step;
    if (last !== undefined && (id === last || within === last))
      subjects.push(subjectOf(step, context).subject);
    after = judgeStep(step, context).bindings;
  }
  const ending = taken.length === run.steps.length && taken.length > 0 && view?.run.end !== undefined;
  return [
    ...subjects,
    ...(ending && view.run.end !== undefined
      ? [endSubject(view.run.end, { facts: view.facts, bindings: after })]
      : []),
  ].map((one) => ({ ...one, bindings: judgeLog(one).bindings }));
}

/** What the step's own commands did. */
function judgeDeeds(step: StepFacts, bindings: Bindings): Judged {
  const timedOut = judgeTimedOut(step);
  if (limitsOf(step).length > 0 || step.step.expect.timedOut === true)
    return { findings: timedOut, bindings };
  const error = judgeError(step, bindings);
  const output = judgeOutput(step, error.bindings);
  const findings = [
    ...timedOut,
    ...judgeOk(step),
    ...error.findings,
    ...judgeExitCode(step),
    ...output.findings,
  ];
  return { findings, bindings: output.bindings };
}

/** How the node and the log were then; at the end of the run, too. */
function judgeState(subject: Subject): Judged {
  const log = judgeLog(subject);
  const bound = { ...subject, bindings: log.bindings };
  const calls = judgeCalls(bound);
  const containers = judgeContainers({ ...bound, bindings: calls.bindings });
  const network = judgeNetwork({ ...bound, bindings: containers.bindings });
  const findings = [
    ...network.findings,
    ...judgePods(bound),
    ...judgeNetns(bound),
    ...containers.findings,
    ...judgeLeftBehind(bound),
    ...log.findings,
    ...judgeNoLog(bound),
    ...calls.findings,
  ];
  return { findings, bindings: network.bindings };
}

function judgeEnd({ run: { end }, facts }: View, bindings: Bindings): readonly Finding[] {
  const { lateCrashes: crashes } = facts;
  if (end === undefined && crashes.length === 0) return [];
  const seen = facts.looks.at(-1)?.runtime;
  const wanted = end?.runtime ?? (crashes.length > 0 ? facts.steps.at(-1)?.runtime : undefined);
  const runtime =
    wanted === undefined || seen === undefined
      ? []
      : [
          compareRuntime(wanted, {
            ...{ name: facts.runtime.name, seen, stepId: 'end', crashes },
            ...present({ place: end?.place }),
          }),
        ];
  if (end === undefined) return runtime;
  const subject = endSubject(end, { facts, bindings });
  const findings = [...runtime, ...judgeState(subject).findings];
  return withLog(
    findings.map((finding) => offered(finding, subject)),
    facts.log ?? '',
    facts.log ?? '',
  );
}

function endSubject(
  expect: Expectation,
  { facts, bindings }: { readonly facts: RunFacts; readonly bindings: Bindings },
): Subject {
  // The last look and no earlier one: how the node was before it says nothing about the end.
  const atEnd = facts.looks.findLast(({ stepId }) => stepId === 'end');
  const state = (atEnd ?? facts.steps.at(-1) ?? facts.looks.at(-1))?.state;
  const { log, calls } = facts;
  return { stepId: 'end', expect, state, log, calls, pod: undefined, container: undefined, facts, bindings };
}

/** What does not pass carries the last of what the runtime said meanwhile, and why it has no configuration if that is it. */
function withLog(findings: readonly Finding[], log: string, before: string): readonly Finding[] {
  const lines = lastLines(log);
  return findings.map((finding) => {
    if (finding.outcome === 'pass') return finding;
    const { message, actual = '', detail = [] } = finding;
    const trouble = configTrouble([message, actual, ...detail, log].join('\n'), before);
    const all = [...trouble.filter((line) => !lines.includes(line)), ...lines];
    return all.length === 0 ? finding : { ...finding, log: all };
  });
}

/** Of the runtime's log, what it had said when the step was over. */
function logUpTo({ log = '' }: StepFacts, { log: all = '' }: RunFacts): string {
  return log === '' ? all : all.slice(0, all.indexOf(log) + log.length);
}

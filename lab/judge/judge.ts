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
import { judgeCluster } from './cluster.ts';
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
import { backgroundEndedBy, containerMadeBy, containerOfAction, podMadeBy } from '../spec/verbs/verbs.ts';
import type { Judged, Subject } from './check.ts';
import { judgeTimedOut, limitsOf } from './timed-out.ts';
import { present } from '../spec/object-shape.ts';
import { worst, type Finding, type Verdict } from './verdict.ts';

/**
 * Compares a recorded run with the expectations of its plan. Pure: the same plan and journal always give the same
 * verdict. Each expectation has at least one finding, also if it passes. A journal that was cut off is inconclusive.
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
    ...notTried([...withCauses(steps.findings, { run, steps: taken }), ...end], taken),
    ...judgeRan(run, facts),
    ...judgeCleanup(run, facts),
  ];

  if (run.control === undefined) return { outcome: worst(findings.map(({ outcome }) => outcome)), findings };
  const control = judgeControl(run.control, { findings, complete: isComplete(facts), stepId: 'end' });
  return { outcome: control.outcome, findings: [...findings, { ...control, place: run.scenario.place }] };
}

/** Checks how the nodes started. Captures of one node are known on all nodes. */
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
        names: { bindings, variables: facts.variables },
        runtime: facts.runtime,
        network: facts.start.state?.network,
      })
    : finding;

/** If there are several nodes, adds the name of the node to its findings. */
const ofNode = ({ run: { name } }: View, findings: readonly Finding[]): readonly Finding[] =>
  name === undefined ? findings : findings.map((finding) => ({ ...finding, node: name }));

/**
 * Combines the facts of all nodes, because the lab must have done its part on all of them. The first start with
 * something missing is reported.
 */
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

/**
 * If a step was not executed because of an earlier step, its findings refer to that step, provided that it has findings
 * itself.
 */
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

/**
 * From the first step that the lab itself could not execute, a failure says nothing about the system under test: what was
 * expected of it was not tried. The API server and etcd of a cluster are parts of the lab.
 */
function notTried(findings: readonly Finding[], steps: readonly StepFacts[]): readonly Finding[] {
  const failed = new Set(findings.flatMap(({ outcome, stepId }) => (outcome === 'fail' ? [stepId] : [])));
  const whys = steps.map((step) => {
    const { id } = step.step;
    if (step.untried) return `${id} could not be taken`;
    const lost = failed.has(id) ? withoutApiServer(step, steps) : undefined;
    return lost === undefined ? undefined : `the cluster could not do its part in ${id}: ${lost}`;
  });
  const first = whys.findIndex((why) => why !== undefined);
  const step = steps[first]?.step.id;
  if (step === undefined) return findings;
  const before = new Set(['start', ...steps.slice(0, first).map(({ step: { id } }) => id)]);
  const crashed = new Set(steps.filter(({ crashes }) => crashes.length > 0).map(({ step: { id } }) => id));
  return findings.map((finding) => {
    const { outcome, check, stepId } = finding;
    const counts = (before.has(stepId) && stepId !== step) || (check === 'runtime' && crashed.has(stepId));
    if (outcome !== 'fail' || counts) return finding;
    const { paste: _, ...rest } = finding;
    const message = `${finding.message}; this does not count, because ${whys[first]}`;
    return { ...rest, outcome: 'inconclusive', message };
  });
}

/**
 * Why the kubectl of a step could not succeed, if nobody could ask the API server when it had ended. A step that expects a failure
 * says itself what kubectl does then.
 */
function withoutApiServer(
  { step: { background, expect }, commands, cluster }: StepFacts,
  steps: readonly StepFacts[],
): string | undefined {
  if (expect.ok === false || expect.error !== undefined || expect.exitCode !== undefined) return;
  if (!commands.some(({ result: { argv, exitCode } }) => argv[0] === 'kubectl' && exitCode !== 0)) return;
  const waited = steps.filter(
    ({ step: { action } }) => background !== undefined && backgroundEndedBy(action) === background,
  );
  const looks = [cluster, ...waited.map((one) => one.cluster)];
  return looks.flatMap((look) => (look !== undefined && 'unseen' in look ? [look.unseen] : []))[0];
}

/** Steps are judged up to the first that did not reach its end. After it nothing is known, including captures. */
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
  const findings = withLog(
    [
      ...withContainer(did.findings, subject),
      // what the runtime did during parallel steps belongs to the step that started them
      ...(step.step.within === undefined
        ? judgeRuntime(step, {
            before: runtimeBefore(step.step.id, { facts, atStart: step.view.run.start }),
            name: facts.runtime.name,
          })
        : []),
      ...ignored,
      ...state.findings,
    ].map((finding) => offered(finding, subject, pod)),
    step.log ?? '',
    logUpTo(step, facts),
  );
  return { findings: ofNode(step.view, findings), bindings: bindingsAfter(step, state) };
}

const bindingsAfter = (step: StepFacts, { bindings }: Pick<Judged, 'bindings'>): Bindings =>
  bind(bindings, capturesOf(step).stale);

/** Adds the state of the container and the last lines of its log to findings that do not pass. */
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
        names: { bindings, variables: facts.variables, unborn },
        runtime: facts.runtime,
        network: state?.network,
      })
    : finding;

/** The result of the commands of a step, and the subject of its other expectations. */
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
    notRun.length === 0 ? judgeCommands(step, bind(started, fresh)) : { findings: notRun, bindings: started };
  const subject = {
    stepId,
    expect,
    state: step.state,
    cluster: step.cluster,
    log: step.log,
    pod: podOf(step.step.action, all.run),
    container: containerOfAction(step.step.action),
    calls: callsIn(facts.calls, step.step),
    facts,
    bindings: did.bindings,
  };
  return { did, subject };
}

/** A look at a node: the step after which it was done, or `end`. `runtimes` are the runtimes that a plan can name. */
export interface LookAt {
  readonly stepId: string;
  readonly node: string | undefined;
  readonly runtimes: Runtimes;
}

/**
 * What is checked against the last look: the expectations of the step that was executed last, and those of the end if
 * it was the last step of the run.
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
    const { subject } = subjectOf(step, { all, bindings: after });
    const { id, within } = step.step;
    if (last !== undefined && (id === last || within === last) && step.view === view) subjects.push(subject);
    after = bindingsAfter(step, judgeBinding(subject));
  }
  const ending = taken.length === run.steps.length && taken.length > 0 && view?.run.end !== undefined;
  return [
    ...subjects,
    ...(ending && view.run.end !== undefined
      ? [endSubject(view.run.end, { facts: view.facts, bindings: after })]
      : []),
  ].map((one) => ({ ...one, bindings: judgeLog(one).bindings }));
}

/** Checks the result of the commands of a step. */
function judgeCommands(step: StepFacts, bindings: Bindings): Judged {
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

/** Checks the state of the node and its log after a step or at the end of the run. */
function judgeState(subject: Subject): Judged {
  const { bound, log, calls, containers, network, cluster, bindings } = judgeBinding(subject);
  const findings = [
    ...cluster.findings,
    ...network.findings,
    ...judgePods(bound),
    ...judgeNetns(bound),
    ...containers.findings,
    ...judgeLeftBehind(bound),
    ...log.findings,
    ...judgeNoLog(bound),
    ...calls.findings,
  ];
  return { findings, bindings };
}

/**
 * The checks that bind names. Each knows the names that the previous ones have bound. Settling needs only these of
 * earlier steps.
 */
function judgeBinding(subject: Subject) {
  const log = judgeLog(subject);
  const bound = { ...subject, bindings: log.bindings };
  const calls = judgeCalls(bound);
  const containers = judgeContainers({ ...bound, bindings: calls.bindings });
  const network = judgeNetwork({ ...bound, bindings: containers.bindings });
  const cluster = judgeCluster({ ...bound, bindings: network.bindings });
  return { bound, log, calls, containers, network, cluster, bindings: cluster.bindings };
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
  // The look at the end, not an earlier one: an earlier state of the node says nothing about the end.
  const atEnd = facts.looks.findLast(({ stepId }) => stepId === 'end');
  const state = (atEnd ?? facts.steps.at(-1) ?? facts.looks.at(-1))?.state;
  const { log, calls, cluster } = facts;
  const none = { pod: undefined, container: undefined };
  return { stepId: 'end', expect, state, cluster, log, calls, ...none, facts, bindings };
}

/**
 * Adds the last lines of the runtime log to findings that do not pass. If the cause is a missing configuration, the
 * line with the reason is added too.
 */
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

/** The runtime log up to the end of a step. */
function logUpTo({ log = '' }: StepFacts, { log: all = '' }: RunFacts): string {
  return log === '' ? all : all.slice(0, all.indexOf(log) + log.length);
}

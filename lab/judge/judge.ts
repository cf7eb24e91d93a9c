import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Expectation } from '../spec/scenario.ts';
import { bind, forgetPod, type Bindings } from '../match/bindings.ts';
import { configTrouble } from './config-trouble.ts';
import { capturesOf } from './captures-of.ts';
import { causeOf } from './cause.ts';
import { judgeCleanup } from './cleanup.ts';
import { judgeControl } from './control.ts';
import { judgeError } from './error.ts';
import { judgeExitCode } from './exit-code.ts';
import { factsOf, type RunFacts, type StepFacts } from './facts.ts';
import { lastLines } from './last-lines.ts';
import { judgeLeftBehind } from './left-behind.ts';
import { judgeLog, judgeNoLog } from './log.ts';
import { judgeOk } from './ok.ts';
import { judgeOutput } from './output.ts';
import { withPaste } from './paste.ts';
import { podOf } from './pod-of.ts';
import { judgePods } from './pods.ts';
import { isComplete, judgeNotRun, judgeRan } from './ran.ts';
import { compareRuntime, judgeRuntime } from './runtime.ts';
import { judgeStart } from './start.ts';
import { podMadeBy } from '../spec/verbs/verbs.ts';
import type { Judged, Subject } from './subject.ts';
import { judgeTimedOut, limitsOf } from './timed-out.ts';
import { worst, type Finding, type Verdict } from './verdict.ts';

/**
 * What a recorded run shows of what its plan expects. Pure: the same plan and the same journal are the same verdict
 * anywhere. Each expectation gives one finding at least, passing ones too; a journal that breaks off is not knowing.
 */
export function judge(run: RunPlan, entries: readonly JournalEntry[]): Verdict {
  const facts = factsOf(run, entries);
  const taken = facts.steps.slice(0, countTaken(facts.steps));
  const steps = taken.reduce<Judged>(
    (before, step) => {
      const after = judgeStep(step, { run, facts, bindings: before.bindings });
      return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
    },
    judgeStart(run, facts),
  );
  const end = taken.length === run.steps.length ? judgeEnd(run, { facts, bindings: steps.bindings }) : [];
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
  readonly run: RunPlan;
  readonly facts: RunFacts;
  readonly bindings: Bindings;
}

function judgeStep(step: StepFacts, context: Context): Judged {
  const { facts } = context;
  const { did, subject } = subjectOf(step, context);
  const state = judgeState(subject);
  const { stale } = capturesOf(step, facts);
  const before = facts.looks[facts.looks.findIndex(({ stepId }) => stepId === step.step.id) - 1]?.runtime;
  const findings = withLog(
    [...did.findings, ...judgeRuntime(step, before ?? 'running'), ...state.findings].map((finding) =>
      offered(finding, subject, podMadeBy(step.step.action)),
    ),
    step.log ?? '',
    logUpTo(step, facts),
  );
  return { findings, bindings: bind(state.bindings, stale) };
}

const offered = (finding: Finding, { expect, bindings, facts }: Subject, unborn?: string): Finding =>
  finding.outcome === 'fail'
    ? withPaste(finding, { expect, names: { bindings, variables: facts.variables(), unborn } })
    : finding;

/** What a step's own commands did, and what its other expectations are held against. */
function subjectOf(
  step: StepFacts,
  { run, facts, bindings: before }: Context,
): { readonly did: Judged; readonly subject: Subject } {
  const { expect, id: stepId } = step.step;
  const { fresh } = capturesOf(step, facts);
  const pod = podMadeBy(step.step.action);
  const started = pod === undefined ? before : forgetPod(before, pod);

  const notRun = judgeNotRun(step, causeOf(step, { run, steps: facts.steps }));
  const did =
    notRun.length === 0 ? judgeDeeds(step, bind(started, fresh)) : { findings: notRun, bindings: started };
  const subject = {
    stepId,
    expect,
    state: step.state,
    log: step.log,
    pod: podOf(step.step.action, run),
    facts,
    bindings: did.bindings,
  };
  return { did, subject };
}

/**
 * What is held against what the last look saw: the expectations of the step that was taken last, and those of the end
 * where it was the last of all.
 */
export function lastSubjects(run: RunPlan, entries: readonly JournalEntry[]): readonly Subject[] {
  const facts = factsOf(run, entries);
  const taken = facts.steps.slice(0, countTaken(facts.steps));
  const last = taken.at(-1);
  if (last === undefined) return [];
  const bindings = taken
    .slice(0, -1)
    .reduce<Bindings>(
      (before, step) => judgeStep(step, { run, facts, bindings: before }).bindings,
      judgeStart(run, facts).bindings,
    );
  const context = { run, facts, bindings };
  const { subject } = subjectOf(last, context);
  return [
    subject,
    ...(taken.length < run.steps.length || run.end === undefined
      ? []
      : [endSubject(run.end, { facts, bindings: judgeStep(last, context).bindings })]),
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
  const findings = [...judgePods(bound), ...judgeLeftBehind(bound), ...log.findings, ...judgeNoLog(bound)];
  return { findings, bindings: log.bindings };
}

function judgeEnd(run: RunPlan, { facts, bindings }: Omit<Context, 'run'>): readonly Finding[] {
  if (run.end === undefined) return [];
  const subject = endSubject(run.end, { facts, bindings });
  const seen = facts.looks.at(-1)?.runtime;
  const told = { stepId: 'end', place: run.end.place, crashes: [] };
  const findings = [
    ...(run.end.runtime === undefined || seen === undefined
      ? []
      : [compareRuntime(run.end.runtime, { seen, ...told })]),
    ...judgeState(subject).findings,
  ];
  return withLog(
    findings.map((finding) => offered(finding, subject)),
    facts.log ?? '',
    facts.log ?? '',
  );
}

function endSubject(expect: Expectation, { facts, bindings }: Omit<Context, 'run'>): Subject {
  // The look after the last step and no earlier one: how the node was before it says nothing about the end.
  const state = (facts.steps.at(-1) ?? facts.looks.at(-1))?.state;
  return { stepId: 'end', expect, state, log: facts.log, pod: undefined, facts, bindings };
}

/** What does not pass carries the last of what containerd said meanwhile, and why it has no configuration if that is it. */
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

/** Of containerd's log, what it had said when the step was over. */
function logUpTo({ log = '' }: StepFacts, { log: all = '' }: RunFacts): string {
  return log === '' ? all : all.slice(0, all.indexOf(log) + log.length);
}

import type { RuntimeName } from '../core/components.ts';
import type { RuntimeState } from '../core/node-state.ts';
import { runtimeAfter } from '../spec/verbs/verbs.ts';
import { callsIn, type Seen, type StepFacts, type RunFacts } from './facts.ts';
import type { Finding } from './verdict.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodeRun } from '../plan/plan.ts';
import type { Expectation } from '../spec/scenario.ts';
import { NO_BINDINGS } from '../match/bindings.ts';
import { lastLines, judgeLog, judgeNoLog } from './log.ts';
import type { Judged, Subject } from './check.ts';
import { judgeNetwork } from './network.ts';

/**
 * The state in which the steps before this one, or the start of the node, have left the runtime. Undefined if it was
 * not looked at. A look without an answer that nobody expected says nothing of it: the lab may be the cause.
 */
export function runtimeBefore(
  stepId: string,
  { facts: { steps, start }, atStart }: { facts: RunFacts; atStart: Expectation | undefined },
): RuntimeState | undefined {
  const known = (seen: RuntimeState | undefined, expect: Expectation | undefined): boolean =>
    seen !== 'not-ready' || expect?.runtime === 'not-ready';
  const at = steps.findIndex(({ step }) => step.id === stepId);
  const earlier = steps.slice(0, Math.max(0, at)).filter(({ step }) => step.within !== stepId);
  for (const { step, runtime } of earlier.toReversed()) {
    if (known(runtime, step.expect)) return runtime;
    const leaves = runtimeAfter(step.action);
    if (leaves !== undefined) return leaves;
  }
  return known(start.runtime, atStart) ? (start.runtime ?? 'running') : 'running';
}

/**
 * Checks the state of the runtime after a step: the one in the file, or else the one that the steps have caused. If the
 * runtime ended by itself, the step in which it ended fails, whatever else happened.
 */
export function judgeRuntime(
  facts: StepFacts,
  { before, name }: { before: RuntimeState | undefined; name: RuntimeName },
): readonly Finding[] {
  const { step, runtime: seen, crashes, waits } = facts;
  const { runtime: wanted, place } = step.expect;
  if (seen === undefined) return []; // the evidence is missing; another check reports that
  const subject = { name, stepId: step.id, place } as const;
  if (wanted !== undefined) return [compareRuntime(wanted, { seen, crashes, ...subject })];
  // the "ok" check reports a start or stop that failed; the runtime may then be in any state
  const leaves = runtimeAfter(step.action);
  if (waits.some(({ met }) => !met) && leaves !== undefined) return [];
  const left = leaves ?? before ?? (crashes.length > 0 ? 'running' : seen);
  if (crashes.length === 0 && seen === left) return [];
  if (crashes.length === 0 && seen === 'not-ready') {
    const message = `${name} did not answer the look after this step, expected ${left}`;
    return [{ check: 'runtime', outcome: 'inconclusive', stepId: step.id, place, message }];
  }
  return [compareRuntime(left, { seen, crashes, ...subject })];
}

interface SeenRuntime extends Pick<Finding, 'stepId' | 'place'> {
  readonly name: RuntimeName;
  readonly seen: RuntimeState;
  readonly crashes: readonly Seen<'runtime-ended'>[];
}

export function compareRuntime(
  wanted: RuntimeState,
  { name, seen, crashes, ...about }: SeenRuntime,
): Finding {
  const crash = crashes.map((one) => describeCrash(name, one)).join('; ');
  const holds = seen === wanted && (wanted === 'ended' || crash === '');
  if (holds)
    return { check: 'runtime', outcome: 'pass', ...about, message: `${name} is ${wanted}, as expected` };
  const was = crash === '' ? `${name} is ${seen}` : crash;
  return {
    check: 'runtime',
    outcome: 'fail',
    ...about,
    message: `${was}, expected ${wanted}`,
    expected: `runtime: ${wanted}`,
    actual: `runtime: ${crash === '' ? seen : 'ended'}`,
  };
}

export function describeCrash(name: string, { exitCode, signal }: Seen<'runtime-ended'>): string {
  return `${name} ended by itself (${exitCode === null ? (signal ?? 'by a signal') : `exit ${exitCode}`})`;
}

/**
 * Checks how the first start of the runtime ended, against `expect` of the node, or else that it runs. If it does not
 * run, this is a failure of the runtime if it logged a reason or if the file configures it. Otherwise the lab may be
 * the cause.
 */
export function judgeStart(run: NodeRun, facts: RunFacts): Judged {
  const { start } = facts;
  const expect: Expectation = run.start ?? { place: run.scenario.place, log: [], noLog: [] };
  if (start.runtime === undefined) return { findings: [], bindings: NO_BINDINGS };
  const subject: Subject = {
    stepId: 'start',
    expect,
    state: start.state,
    log: start.log,
    calls: callsIn(facts.calls, { id: 'start' }),
    pod: undefined,
    container: undefined,
    facts,
    bindings: NO_BINDINGS,
  };
  const log = judgeLog(subject);
  const network = judgeNetwork({ ...subject, bindings: log.bindings });
  const findings = [
    ...judgeRuntimeAtStart(run, { facts, expect }),
    ...network.findings,
    ...log.findings,
    ...judgeNoLog(subject),
  ];
  const lines = lastLines(start.log ?? '');
  return {
    findings: [
      ...findings.map((one) => (one.outcome === 'pass' || lines.length === 0 ? one : { ...one, log: lines })),
      ...judgeConfigRead(run, facts),
    ],
    bindings: network.bindings,
  };
}

function judgeRuntimeAtStart(
  run: NodeRun,
  { facts: { start, runtime }, expect }: { facts: RunFacts; expect: Expectation },
): readonly Finding[] {
  const { failed, crashes, runtime: seen = 'ended' } = start;
  const finding = compareRuntime(expect.runtime ?? 'running', {
    name: runtime.name,
    seen,
    crashes,
    stepId: 'start',
    place: expect.place,
  });
  if (finding.outcome === 'pass') return run.start?.runtime === undefined ? [] : [finding];
  const detailed = { ...finding, ...(failed === undefined ? {} : { detail: failed.split('\n') }) };
  const answered = failed === undefined && seen !== 'not-ready';
  const reasons = runtime.reasonsNotStarted(start.log ?? '');
  const saysWhy = reasons.length > 0 && !reasons.some((line) => REFUSED.test(line));
  if (expect.runtime !== undefined || answered || saysWhy || configuresRuntime(run, runtime))
    return [detailed];
  const why = reasons.length === 0 ? 'its log does not say why' : 'it may be the node that refused';
  return [
    {
      ...detailed,
      outcome: 'inconclusive',
      message: `${finding.message}; ${why}, and the file does not configure it`,
    },
  ];
}

/** Errors of the kernel for operations that are allowed elsewhere: a node has fewer rights than a machine. */
const REFUSED = /operation not permitted|permission denied|read-only file system|function not implemented/i;

/** Whether the file affects how the runtime starts. */
const configuresRuntime = ({ node }: NodeRun, { configNodePath }: Runtime): boolean =>
  Object.keys(node.runtimeConfig).length > 0 ||
  node.files.some(({ name }) => name.startsWith(configNodePath));

/**
 * Compares the runtime configuration in a file with what the runtime reports to have read. Runtimes ignore keys that
 * they do not know. So this is a warning and does not change the verdict.
 */
function judgeConfigRead({ node, scenario }: NodeRun, { start, log, runtime }: RunFacts): readonly Finding[] {
  const { runtimeConfig: config } = node;
  if (Object.keys(config).length === 0 || start.failed !== undefined) return [];
  const unexpected = {
    check: 'ran',
    stepId: 'start',
    place: node.runtimeConfigPlace ?? scenario.place,
  } as const;
  const { configDump: dump } = start;
  if (dump === undefined) {
    const message = `the journal does not show what ${runtime.name} read of its configuration`;
    return [{ ...unexpected, outcome: 'inconclusive', message }];
  }
  const unread = runtime.unreadConfig(config, { version: node.runtime.version, dump, log });
  return unread === undefined ? [] : [{ ...unexpected, ...unread, outcome: 'pass', warning: true }];
}

/**
 * The log line with the reason why the runtime has no CNI configuration, if that is the cause of a failure. The runtime
 * logs the reason only when it reads the file. Later it only reports that there is no configuration.
 */
export function configTrouble(errorText: string, log: string): readonly string[] {
  if (!errorText.includes('cni plugin not initialized')) return [];
  return log
    .split('\n')
    .filter((line) => line.includes('cni config load failed'))
    .slice(-1);
}

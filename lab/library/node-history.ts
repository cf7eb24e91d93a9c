import { RUNTIMES } from '../assembly/runtimes.ts';
import type { Content } from '../core/content.ts';
import { BadInput, LabError } from '../core/lab-error.ts';
import type { NodeState } from '../core/node-state.ts';
import type { Recorded } from '../core/recorded.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Clock } from '../core/ports.ts';
import { bindingsDuring } from '../judge/captures-of.ts';
import { judgeCalls } from '../judge/calls.ts';
import type { Subject } from '../judge/check.ts';
import {
  callsOfPod,
  factsOf,
  podOfCall,
  type KnownCalls,
  type RunFacts,
  type StepFacts,
} from '../judge/facts.ts';
import { failuresOf } from '../judge/failures.ts';
import { lastLines } from '../judge/log.ts';
import { judgeOk } from '../judge/commands.ts';
import { judgeRuntime } from '../judge/runtime.ts';
import { judgeIgnored } from '../judge/pods.ts';
import { podMadeBy, podOfAction } from '../spec/verbs/verbs.ts';
import { judgeTimedOut } from '../judge/timed-out.ts';
import type { Finding } from '../judge/verdict.ts';
import type { NodeRuntime, RuntimeEnd } from '../nodes/node-runtime.ts';
import type { LabNode } from '../nodes/node.ts';
import type { JournalEntry, Observation } from '../observe/observation.ts';
import type { NodePlan, PlannedStep } from '../plan/plan.ts';
import type { PlannedAction } from '../spec/verbs/verbs.ts';
import type { Expectation, FileSpec, PodSpec } from '../spec/scenario.ts';
import { settleMs, type Settling } from '../steps/settle.ts';
import { createStepper, type Stepper, type StepperOptions } from '../steps/stepper.ts';
import { StepFailed } from './check.ts';

const STEP_TIMEOUT_MS = 120_000;

/** The place of an expectation that is in a test and not in a file. */
export const NOWHERE = { file: 'RuntimeNode', line: 1, column: 1 };
export const NOTHING_EXPECTED: Expectation = { place: NOWHERE, log: [], noLog: [] };

/**
 * The steps that a test has executed on one node and everything that was observed, in the form of a run. So the judge
 * can check them in the same way.
 */
export class NodeHistory {
  /** the runtime of the node */
  readonly runtime: Runtime;
  readonly #node: LabNode;
  readonly #plan: PlanOfNode;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #entries: JournalEntry[] = [];
  readonly #steps: PlannedStep[] = [];
  readonly #pods = new Map<string, PodSpec>();
  readonly #files: FileSpec[] = [];
  readonly #stepper: Stepper;
  #taken = 0;
  #lastId = 'start';

  constructor({
    node,
    runtime,
    runtimeVersion: version,
    record = false,
    runtimeConfig = {},
    artifact,
    clock,
    emulated = false,
  }: NodeHistoryOptions) {
    this.#node = node;
    this.runtime = runtime.kind;
    this.#plan = {
      runtime: { component: runtime.kind.name, version },
      runtimeConfig,
      ...(record ? { record } : {}),
    };
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#stepper = createStepper({
      node,
      runtime,
      clock,
      artifact,
      observe: (observation) => this.#observe(observation),
      settleMs: settleMs({ emulated }),
    });
  }

  /** Defines the pod with this name from now on. */
  addPod(spec: PodSpec): void {
    this.#pods.set(spec.name, spec);
  }

  /** A file that the test itself puts on the node. No plugin has left it behind. */
  writes(nodePath: string, content: Content): void {
    this.#files.push({ name: nodePath, ...content, place: NOWHERE });
  }

  runtimeEnded(end: RuntimeEnd): void {
    this.#observe({ kind: 'runtime-ended', stepId: this.#lastId, ...end });
  }

  /**
   * A record of the recorder on the node. A call belongs to the last step that was about its pod, if the pod is known.
   */
  recorded(record: Recorded): void {
    this.#observe({ ...record, stepId: this.#stepOf(record) });
  }

  #stepOf(record: Recorded): string {
    if (record.kind === 'cni-call-ended') {
      const start = this.#entries.find(
        (entry) => entry.kind === 'cni-call-started' && entry.call === record.call,
      );
      return start !== undefined && 'stepId' in start ? start.stepId : this.#lastId;
    }
    const pod = record.kind === 'cni-call-started' ? podOfCall(record) : undefined;
    const step = this.#steps.findLast(({ action }) => pod !== undefined && podOfAction(action) === pod);
    return step?.id ?? this.#lastId;
  }

  /** A captured value, such as `web.id`. */
  captured(name: string): string | undefined {
    return this.#stepper.captures.get(name);
  }

  /** Executes a step and returns what was observed. Throws StepFailed if it failed. */
  async take(action: PlannedAction): Promise<StepFacts> {
    const id = this.#nextId(action.do);
    const step = { id, action, timeoutMs: STEP_TIMEOUT_MS, place: NOWHERE, expect: NOTHING_EXPECTED };
    this.#steps.push(step);
    await this.#stepper.take({ ...step, pods: [...this.#pods.values()] });
    const facts = this.facts();
    const taken = facts.steps.find(({ step: { id: other } }) => other === id);
    if (taken === undefined) throw new Error(`step ${id} was taken and is not known`);
    if (taken.notRun !== undefined) throw new LabError(`${id} on ${this.#node.name}: ${taken.notRun}`);
    const failed = failureOf(taken, facts);
    if (failed !== undefined) throw failed;
    return taken;
  }

  /** The first look, before anything was done. Later looks are compared with it. */
  async begin(): Promise<void> {
    await this.#stepper.look('start');
  }

  /** A look at the node: immediately, or when its state has settled. */
  look(settling?: (state: NodeState) => Settling): Promise<NodeState> {
    return this.#stepper.look(this.#nextId('look'), settling && (({ state }) => settling(state)));
  }

  facts(): RunFacts {
    const node = { files: this.#files, ...this.#plan };
    return factsOf({ steps: this.#steps, pods: [...this.#pods.values()], node }, this.#entries, RUNTIMES);
  }

  /** All plugin calls so far, or those for one pod. Throws BadInput on a node that does not record them. */
  async calls(pod?: string): Promise<KnownCalls> {
    if (this.#plan.record !== true)
      throw new BadInput(
        `plugin calls are not recorded on ${this.#node.name}: start it from withRecordedCalls()`,
      );
    await this.#node.exec(['true']); // calls that ended before a command ended are reported before its result
    const { calls } = this.facts();
    return pod === undefined || 'unknown' in calls ? calls : callsOfPod(pod, calls.calls);
  }

  /** The findings of the judge on these calls. */
  async judgeCalls(
    expected: Pick<Expectation, 'calls' | 'noCalls' | 'callOrder'>,
    pod: string | undefined,
  ): Promise<readonly Finding[]> {
    const calls = await this.calls(pod);
    const expect = { ...NOTHING_EXPECTED, ...expected };
    return judgeCalls({ ...this.subject({ expect, state: undefined }), calls }).findings;
  }

  /** What the judge checks: this expectation, at this time. */
  subject({ expect, state }: Pick<Subject, 'expect' | 'state'>): Subject {
    const facts = this.facts();
    const captures = facts.steps.flatMap((step) => step.captures);
    return {
      stepId: 'now',
      expect,
      state,
      log: undefined,
      calls: facts.calls,
      pod: undefined,
      container: undefined,
      facts,
      bindings: new Map(captures.map(({ name, value }) => [name, value])),
    };
  }

  #nextId(what: string): string {
    this.#taken += 1;
    this.#lastId = `${this.#taken}-${what}`;
    return this.#lastId;
  }

  #observe(observation: Observation): void {
    this.#entries.push({ ...observation, atMs: this.#clock.now() - this.#startedMs });
  }
}

type PlanOfNode = Pick<NodePlan, 'runtime' | 'record' | 'runtimeConfig'>;

export interface NodeHistoryOptions {
  /** whether plugin calls are recorded */
  readonly record?: boolean;
  /** the requested configuration */
  readonly runtimeConfig?: NodePlan['runtimeConfig'];
  readonly node: LabNode;
  readonly runtime: NodeRuntime;
  readonly runtimeVersion: string;
  /** a component that steps install */
  readonly artifact: StepperOptions['artifact'];
  readonly clock: Clock;
  readonly emulated?: boolean;
}

function failureOf(taken: StepFacts, facts: RunFacts): StepFailed | undefined {
  const stepId = taken.step.id;
  const { name } = facts.runtime;
  const before = facts.looks[facts.looks.findIndex((look) => look.stepId === stepId) - 1]?.runtime;
  const known = bindingsDuring(facts, stepId);
  const pod = podMadeBy(taken.step.action);
  const finding = [
    ...judgeTimedOut(taken),
    ...judgeOk(taken),
    ...(pod === undefined ? [] : judgeIgnored({ ...taken.step, stepId, bindings: known }, pod)),
    ...judgeRuntime(taken, { before: before ?? 'running', name }),
  ].find(({ outcome }) => outcome === 'fail');
  if (finding === undefined) return undefined;
  const [failure] = failuresOf(taken);
  const log = lastLines(taken.log ?? '').map((line) => `${name}  ${line}`);
  const what = failure?.what ?? finding.message;
  const lines = [...(finding.detail ?? []).filter((line) => line !== what), ...log];
  return new StepFailed({
    stepId,
    message: [`${stepId}: ${what}`, ...lines].join('\n  '),
    errorText: failure?.errorText ?? finding.message,
    known,
    ...(failure?.command === undefined ? {} : { result: failure.command.result }),
  });
}

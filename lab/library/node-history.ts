import { RUNTIMES } from '../assembly/runtimes.ts';
import type { Content } from '../core/content.ts';
import { LabError } from '../core/lab-error.ts';
import type { NodeState } from '../core/node-state.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Clock } from '../core/ports.ts';
import { bindingsDuring } from '../judge/captures-of.ts';
import { factsOf, type RunFacts, type StepFacts } from '../judge/facts.ts';
import { failuresOf } from '../judge/failures.ts';
import { lastLines } from '../judge/log.ts';
import { judgeOk } from '../judge/commands.ts';
import { judgeRuntime } from '../judge/runtime.ts';
import { judgeIgnored } from '../judge/pods.ts';
import { podMadeBy } from '../spec/verbs/verbs.ts';
import { judgeTimedOut } from '../judge/timed-out.ts';
import type { NodeRuntime, RuntimeEnd } from '../nodes/node-runtime.ts';
import type { LabNode } from '../nodes/node.ts';
import type { JournalEntry, Observation } from '../observe/observation.ts';
import type { PlannedStep } from '../plan/plan.ts';
import type { PlannedAction } from '../spec/verbs/verbs.ts';
import type { Expectation, FileSpec, PodSpec } from '../spec/scenario.ts';
import { settleMs, type Settling } from '../steps/settle.ts';
import { createStepper, type Stepper } from '../steps/stepper.ts';
import { StepFailed } from './check.ts';

const STEP_TIMEOUT_MS = 120_000;

/** Where an expectation stands that a program has, and no file. */
export const NOWHERE = { file: 'RuntimeNode', line: 1, column: 1 };
export const NOTHING_EXPECTED: Expectation = { place: NOWHERE, log: [], noLog: [] };

/**
 * The steps that a program has taken on one node, and all that was seen meanwhile, as a run has them: what the judge says
 * of a recorded run it can say of this.
 */
export class NodeHistory {
  /** the runtime that the node has */
  readonly runtime: Runtime;
  readonly #node: LabNode;
  readonly #version: string;
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
    runtimeVersion,
    clock,
    emulated = false,
  }: {
    node: LabNode;
    runtime: NodeRuntime;
    runtimeVersion: string;
    clock: Clock;
    emulated?: boolean;
  }) {
    this.#node = node;
    this.runtime = runtime.kind;
    this.#version = runtimeVersion;
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#stepper = createStepper({
      node,
      runtime,
      clock,
      artifact: ({ component }) => {
        throw new Error(`no step that a program takes brings another ${component}`);
      },
      observe: (observation) => this.#observe(observation),
      settleMs: settleMs({ emulated }),
    });
  }

  /** Of a pod of this name, as it is from now on. */
  addPod(spec: PodSpec): void {
    this.#pods.set(spec.name, spec);
  }

  /** A file that the program puts on the node by itself, which no plugin has left. */
  writes(nodePath: string, content: Content): void {
    this.#files.push({ name: nodePath, ...content, place: NOWHERE });
  }

  runtimeEnded(end: RuntimeEnd): void {
    this.#observe({ kind: 'runtime-ended', stepId: this.#lastId, ...end });
  }

  /** A value that became known, `web.id`. */
  captured(name: string): string | undefined {
    return this.#stepper.captures.get(name);
  }

  /** Takes a step and returns what was seen of it. Throws StepFailed when it did not work. */
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

  /** The look that later ones are compared with, before anything was done. */
  async begin(): Promise<void> {
    await this.#stepper.look('start');
  }

  /** A look at the node, now, or once what it sees has settled. */
  look(settling?: (state: NodeState) => Settling): Promise<NodeState> {
    return this.#stepper.look(this.#nextId('look'), settling);
  }

  facts(): RunFacts {
    const runtime = { component: this.runtime.name, version: this.#version };
    const run = { steps: this.#steps, pods: [...this.#pods.values()], node: { files: this.#files, runtime } };
    return factsOf(run, this.#entries, RUNTIMES);
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

import type { RunPlan } from '../plan/plan.ts';
import type { Expectation } from '../spec/scenario.ts';
import { createStepper, type StepperOptions } from './stepper.ts';

export interface StepsOptions extends StepperOptions {
  readonly run: RunPlan;
  readonly signal: AbortSignal;
}

/** Takes the steps of a run one by one; after each, and before the first, it reads the log and looks at the node. */
export async function runSteps({ run, signal, ...options }: StepsOptions): Promise<void> {
  const stepper = createStepper(options);
  await stepper.look('start');
  for (const [index, step] of run.steps.entries()) {
    signal.throwIfAborted();
    const next = run.steps[index + 1]?.expect ?? run.end;
    const quietLog = speaksOfLog(step.expect) || speaksOfLog(next);
    await stepper.take({ ...step, pods: run.pods, quietLog });
  }
  signal.throwIfAborted();
  const last = run.steps.at(-1);
  if (last !== undefined) await stepper.rest(last.id);
}

/** Then a line must be told apart from those of the step before. */
const speaksOfLog = (expect: Expectation | undefined): boolean =>
  expect !== undefined && (expect.log.length > 0 || expect.noLog.length > 0);

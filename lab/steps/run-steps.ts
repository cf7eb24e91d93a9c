import type { RunPlan } from '../plan/plan.ts';
import { createStepper, type StepperOptions } from './stepper.ts';

export interface StepsOptions extends StepperOptions {
  readonly run: RunPlan;
  readonly signal: AbortSignal;
}

/** Takes the steps of a run one by one; after each, and before the first, it reads the log and looks at the node. */
export async function runSteps({ run, signal, ...options }: StepsOptions): Promise<void> {
  const stepper = createStepper(options);
  await stepper.look('start');
  for (const step of run.steps) {
    signal.throwIfAborted();
    await stepper.take({ ...step, pods: run.pods });
  }
}

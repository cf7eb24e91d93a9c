import type { RunPlan } from '../plan/plan.ts';
import type { RunFacts, StepFacts } from './facts.ts';
import { describeCrash } from './runtime.ts';
import type { Finding } from './verdict.ts';

/** Whether the lab did its part completely. Only then, what was not seen did not exist. */
export const isComplete = ({ ended, troubles, steps, cleanupFailures }: RunFacts): boolean =>
  ended && troubles.length === 0 && cleanupFailures.length === 0 && steps.every((step) => step.ended);

/** The run must reach its end with every step executed. Otherwise it is inconclusive. */
export function judgeRan(run: RunPlan, facts: RunFacts): readonly Finding[] {
  const finding = { check: 'ran', place: run.scenario.place } as const;
  const why = whyNotRan(facts);
  const taken = facts.steps.filter(isTaken).length;
  if (why === undefined) {
    if (run.steps.length === 0 && run.nodes.every(({ end }) => end === undefined)) {
      return [
        { ...finding, outcome: 'inconclusive', stepId: 'end', message: 'the scenario expects nothing' },
      ];
    }
    if (taken < run.steps.length) return []; // judgeNotRun reports these steps
    return [{ ...finding, outcome: 'pass', stepId: 'end', message: 'every step was taken' }];
  }
  const missing = facts.steps.filter(({ ended }) => !ended);
  return [
    {
      ...finding,
      outcome: 'inconclusive',
      stepId: missing[0]?.step.id ?? 'end',
      place: missing[0]?.step.place ?? run.scenario.place,
      message: `the run did not come to its end: ${why}`,
      expected: `all ${run.steps.length} steps taken`,
      actual: `${taken} taken`,
      detail: [
        ...facts.troubles.slice(1),
        ...facts.steps.flatMap(({ step, crashes }) =>
          crashes.map((crash) => `${describeCrash(facts.runtime.name, crash)} in ${step.id}`),
        ),
        ...(missing.length === 0
          ? []
          : [`not taken to the end: ${missing.map(({ step }) => step.id).join(', ')}`]),
      ],
    },
  ];
}

function whyNotRan({ troubles, ended, start, steps, runtime }: RunFacts): string | undefined {
  if (troubles[0] !== undefined) return troubles[0];
  if (!ended) return 'its journal breaks off';
  if (start.missing !== undefined) return `the journal does not show ${start.missing}`;
  const missing = steps.find((step) => !step.ended);
  if (missing === undefined) return undefined;
  return start.failed === undefined
    ? `the journal has no end of ${missing.step.id}`
    : `${runtime.name} did not start`;
}

const isTaken = ({ ended, notRun, missing }: StepFacts): boolean =>
  ended && notRun === undefined && missing === undefined;

/** A step that could not be executed is inconclusive, whatever it expects. So is a step without records. */
export function judgeNotRun({ step, notRun, missing }: StepFacts, cause?: string): readonly Finding[] {
  if (notRun === undefined && missing === undefined) return [];
  const message =
    missing === undefined
      ? `the step could not be taken: ${notRun ?? ''}`
      : `the journal does not show that the step was taken: it lacks ${missing}`;
  const detail = cause === undefined ? {} : { detail: [`because of ${cause}`] };
  return [
    { check: 'ran', outcome: 'inconclusive', stepId: step.id, place: step.expect.place, message, ...detail },
  ];
}

/** The node must be removed without leaving anything on the host. Otherwise the next run cannot be trusted. */
export function judgeCleanup(run: RunPlan, { cleanupFailures, ended }: RunFacts): readonly Finding[] {
  const finding = { check: 'cleanup', stepId: 'end', place: run.scenario.place } as const;
  if (cleanupFailures.length > 0) {
    return cleanupFailures.map(({ what, message }) => ({
      ...finding,
      outcome: 'inconclusive',
      message: `the lab could not ${what}: ${message}`,
    }));
  }
  return ended
    ? [{ ...finding, outcome: 'pass', message: 'nothing went wrong in taking the node down' }]
    : [];
}

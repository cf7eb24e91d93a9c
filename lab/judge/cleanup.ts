import type { RunPlan } from '../plan/plan.ts';
import type { RunFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/** The node was taken down without leaving anything on the host: a run that litters cannot be trusted by the next. */
export function judgeCleanup(run: RunPlan, { cleanupFailures, ended }: RunFacts): readonly Finding[] {
  const told = { check: 'cleanup', stepId: 'end', place: run.scenario.place } as const;
  if (cleanupFailures.length > 0) {
    return cleanupFailures.map(({ what, message }) => ({
      ...told,
      outcome: 'inconclusive',
      message: `the lab could not ${what}: ${message}`,
    }));
  }
  return ended ? [{ ...told, outcome: 'pass', message: 'nothing went wrong in taking the node down' }] : [];
}

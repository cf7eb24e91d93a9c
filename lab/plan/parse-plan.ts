import { messageOf } from '../core/lab-error.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Plan } from './plan.ts';

/** Reads back what `plan.json` of a recorded run says. Its own format version vouches for all that is inside. */
export function parsePlan(json: string): Result<Plan, string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (thrown) {
    return err(`this is not JSON: ${messageOf(thrown)}`);
  }
  if (typeof value !== 'object' || value === null || !('formatVersion' in value))
    return err('this is not a plan');
  if (value.formatVersion !== 2)
    return err(`wanted format version 2; got ${JSON.stringify(value.formatVersion)}`);
  if (!('runs' in value) || !Array.isArray(value.runs)) return err('a plan has a list of runs');
  const runs: readonly unknown[] = value.runs;
  const broken = runs.findIndex((run) => !isRun(run));
  return broken >= 0 ? err(`runs[${broken}] is not a run`) : ok(value as Plan);
}

function isRun(run: unknown): boolean {
  const keys = ['title', 'slug', 'scenario', 'cell', 'node', 'pods', 'steps'];
  return typeof run === 'object' && run !== null && keys.every((key) => key in run);
}

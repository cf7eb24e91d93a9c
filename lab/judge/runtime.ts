import type { RuntimeName } from '../core/components.ts';
import type { RuntimeState } from '../core/runtime-state.ts';
import { runtimeAfter } from '../spec/verbs/verbs.ts';
import type { Seen, StepFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/**
 * How the runtime is after a step: as the file says or, where it does not, as the steps have left it. One that
 * ended by itself is a failure of the step in which it did, whatever else came of that.
 */
export function judgeRuntime(
  facts: StepFacts,
  { before, name }: { before: RuntimeState; name: RuntimeName },
): readonly Finding[] {
  const { step, runtime: seen, crashes, waits } = facts;
  const { runtime: wanted, place } = step.expect;
  if (seen === undefined) return []; // the evidence is missing, which is said elsewhere
  const told = { name, stepId: step.id, place } as const;
  if (wanted !== undefined) return [compareRuntime(wanted, { seen, crashes, ...told })];
  // a start or a stop that failed is told by "ok", and leaves containerd as it may
  const leaves = runtimeAfter(step.action);
  if (waits.some(({ met }) => !met) && leaves !== undefined) return [];
  const left = leaves ?? before;
  if (crashes.length === 0 && seen === left) return [];
  if (crashes.length === 0 && seen === 'not-ready') {
    const message = `${name} did not answer the look after this step, expected ${left}`;
    return [{ check: 'runtime', outcome: 'inconclusive', stepId: step.id, place, message }];
  }
  return [compareRuntime(left, { seen, crashes, ...told })];
}

interface SeenRuntime extends Pick<Finding, 'stepId' | 'place'> {
  readonly name: RuntimeName;
  readonly seen: RuntimeState;
  readonly crashes: readonly Seen<'runtime-ended'>[];
}

export function compareRuntime(wanted: RuntimeState, { name, seen, crashes, ...told }: SeenRuntime): Finding {
  const crash = crashes.map((one) => describeCrash(name, one)).join('; ');
  const holds = seen === wanted && (wanted === 'ended' || crash === '');
  if (holds)
    return { check: 'runtime', outcome: 'pass', ...told, message: `${name} is ${wanted}, as expected` };
  const was = crash === '' ? `${name} is ${seen}` : crash;
  return {
    check: 'runtime',
    outcome: 'fail',
    ...told,
    message: `${was}, expected ${wanted}`,
    expected: `runtime: ${wanted}`,
    actual: `runtime: ${crash === '' ? seen : 'ended'}`,
  };
}

export function describeCrash(name: string, { exitCode, signal }: Seen<'runtime-ended'>): string {
  return `${name} ended by itself (${exitCode === null ? (signal ?? 'by a signal') : `exit ${exitCode}`})`;
}

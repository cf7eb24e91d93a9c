import type { StepFacts } from './facts.ts';
import { pasteable } from '../core/shown.ts';
import type { Finding } from './verdict.ts';

/** The exit code of the step's command; of several, each must have it. */
export function judgeExitCode({ step, commands }: StepFacts): readonly Finding[] {
  const { exitCode: wanted, place } = step.expect;
  if (wanted === undefined) return [];
  const told = { check: 'exit-code', stepId: step.id, place } as const;
  if (commands.length === 0) {
    const message = `no command was run, expected one to exit with ${wanted}`;
    return [{ ...told, outcome: 'inconclusive', message }];
  }
  const wrong = commands.filter(({ result }) => result.exitCode !== wanted);
  if (wrong.length === 0)
    return [{ ...told, outcome: 'pass', message: `exited with ${wanted}, as expected` }];
  return wrong.map(({ result: { exitCode, signal, argv } }) => {
    const actual = exitCode === null ? (signal ?? 'a signal') : String(exitCode);
    const message = `ended with ${actual}, expected ${wanted}: ${pasteable(argv)}`;
    return { ...told, outcome: 'fail', message, expected: String(wanted), actual };
  });
}

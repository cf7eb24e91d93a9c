import { pasteable } from './failures.ts';
import type { StepFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/** The exit code of the step's last command. */
export function judgeExitCode({ step, commands }: StepFacts): readonly Finding[] {
  const { exitCode: wanted, place } = step.expect;
  if (wanted === undefined) return [];
  const told = { check: 'exit-code', stepId: step.id, place } as const;
  const result = commands.at(-1)?.result;
  if (result === undefined) {
    return [
      {
        ...told,
        outcome: 'inconclusive',
        message: `no command was run, expected one to exit with ${wanted}`,
      },
    ];
  }
  const { exitCode, signal, argv } = result;
  if (exitCode === wanted)
    return [{ ...told, outcome: 'pass', message: `exited with ${wanted}, as expected` }];
  const actual = exitCode === null ? (signal ?? 'a signal') : String(exitCode);
  const message = `ended with ${actual}, expected ${wanted}: ${pasteable(argv)}`;
  return [{ ...told, outcome: 'fail', message, expected: String(wanted), actual }];
}

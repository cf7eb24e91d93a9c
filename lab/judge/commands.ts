import { runtimeAfter } from '../spec/verbs/verbs.ts';
import { describeActions, failuresOf, type Failure } from './failures.ts';
import type { StepFacts, Seen } from './facts.ts';
import type { Finding } from './verdict.ts';
import { pasteable } from '../core/content.ts';
import type { Bindings } from '../match/bindings.ts';
import { judgeEach, type Judged, judgeText } from './check.ts';
import type { TextExpectation } from '../spec/scenario.ts';
import { fillIn } from '../match/text.ts';

/**
 * A step must succeed unless its file says how it fails: with `ok: false`, an error or an exit code. If an error is
 * expected, judgeError decides whether the step failed. If the runtime must not run after its start, judgeRuntime
 * decides.
 */
export function judgeOk(facts: StepFacts): readonly Finding[] {
  const { expect, id: stepId, action } = facts.step;
  const starts = runtimeAfter(action) === 'running';
  const startFails = starts && (expect.runtime ?? 'running') !== 'running';
  const expectedElsewhere = expect.exitCode !== undefined || startFails;
  const wanted = expect.ok ?? (expectedElsewhere ? undefined : true);
  if (wanted === undefined || expect.error !== undefined) return [];
  const failures = failuresOf(facts);
  const finding = { check: 'ok', stepId, place: expect.place } as const;

  if (!wanted) {
    if (failures.length > 0) {
      return [{ ...finding, outcome: 'pass', message: 'failed, as expected' }];
    }
    const message = 'succeeded, expected failure';
    const detail = [describeActions(facts)];
    return [{ ...finding, outcome: 'fail', message, expected: 'ok: false', actual: 'ok: true', detail }];
  }
  const [first] = failures;
  if (first === undefined) return [{ ...finding, outcome: 'pass', message: 'succeeded, as expected' }];
  return [
    {
      ...finding,
      outcome: 'fail',
      message: 'failed, expected success',
      expected: 'ok: true',
      actual: first.errorText,
      detail: failures.flatMap(({ what, errorText: text }) => [
        what,
        ...(text === '' ? [] : [`it said  ${text}`]),
      ]),
    },
  ];
}

/** Checks the exit code of the command of a step. If there are several commands, each must have it. */
export function judgeExitCode({ step, commands }: StepFacts): readonly Finding[] {
  const { exitCode: wanted, place } = step.expect;
  if (wanted === undefined) return [];
  const finding = { check: 'exit-code', stepId: step.id, place } as const;
  if (commands.length === 0) {
    const message = `no command was run, expected one to exit with ${wanted}`;
    return [{ ...finding, outcome: 'inconclusive', message }];
  }
  const wrong = commands.filter(({ result }) => result.exitCode !== wanted);
  if (wrong.length === 0)
    return [{ ...finding, outcome: 'pass', message: `exited with ${wanted}, as expected` }];
  return wrong.map(({ result: { exitCode, signal, argv } }) => {
    const actual = exitCode === null ? (signal ?? 'a signal') : String(exitCode);
    const message = `ended with ${actual}, expected ${wanted}: ${pasteable(argv)}`;
    return { ...finding, outcome: 'fail', message, expected: String(wanted), actual };
  });
}

/**
 * Checks the output of the command of a step. If there are several commands, each must have printed it. A line break at
 * the end only counts if the expected text ends with one.
 */
export function judgeOutput({ step, commands }: StepFacts, bindings: Bindings): Judged {
  const { output } = step.expect;
  if (output === undefined) return { findings: [], bindings };
  if (commands.length === 0) {
    const message = 'no command was run, expected one with output';
    return {
      findings: [{ check: 'output', outcome: 'inconclusive', stepId: step.id, place: output.place, message }],
      bindings,
    };
  }
  const wanted = 'exact' in output ? output.exact : output.contains;
  return judgeEach(commands, bindings, {
    commandOf: (command) => command,
    judgeOne: ({ result }, known) =>
      judgeText(output, wanted.endsWith('\n') ? result.stdout : result.stdout.replace(/\n$/, ''), {
        check: 'output',
        stepId: step.id,
        subject: 'output',
        bindings: known,
        context: [`printed by ${pasteable(result.argv)}`],
      }),
  });
}

/**
 * Checks the exact error of the command of a step. If there are several commands, each must have it. A command that
 * succeeded has no error.
 */
export function judgeError(facts: StepFacts, bindings: Bindings): Judged {
  const { error } = facts.step.expect;
  if (error === undefined) return { findings: [], bindings };
  const failures = failuresOf(facts);
  if (failures.length === 0) return succeeded(facts, { error, bindings, what: describeActions(facts) });
  const succeededCommands = facts.commands.filter(({ result }) => result.exitCode === 0);
  return judgeEach<Failure | Seen<'command'>>([...failures, ...succeededCommands], bindings, {
    commandOf: (one) => ('kind' in one ? one : one.command),
    judgeOne: (one, known) =>
      'kind' in one
        ? succeeded(facts, { error, bindings: known, what: pasteable(one.result.argv) })
        : judgeText(error, one.errorText, {
            check: 'error',
            stepId: facts.step.id,
            subject: 'error',
            bindings: known,
            context: [one.what],
          }),
  });
}

interface Success {
  readonly error: TextExpectation;
  readonly bindings: Bindings;
  readonly what: string;
}

function succeeded({ step }: StepFacts, { error, bindings, what }: Success): Judged {
  const finding = {
    check: 'error',
    outcome: 'fail',
    stepId: step.id,
    place: error.place,
    message: `succeeded, expected an error: ${what}`,
    expected: fillIn('exact' in error ? error.exact : error.contains, bindings),
    actual: 'no error',
  } as const;
  return { findings: [finding], bindings };
}

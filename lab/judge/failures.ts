import { errorIn, errorWords } from '../core/cni-call.ts';
import type { CommandResult } from '../core/ports.ts';
import { unwrapCrictlError } from './crictl-error.ts';
import type { StepFacts, Seen } from './facts.ts';
import { pasteable } from '../core/content.ts';
import { ranIntoLimit } from './timed-out.ts';
import type { RunPlan } from '../plan/plan.ts';
import { madeBy, runsCommands, usedBy } from '../spec/verbs/verbs.ts';
import { podOf } from './left-over.ts';

/** One part of a step that did not succeed. */
export interface Failure {
  /** what it was and how it ended, for people */
  readonly what: string;
  /** the original text of the system, which exact errors are compared with */
  readonly errorText: string;
  readonly command: Seen<'command'> | undefined;
}

/**
 * All failures of a step: commands that ended by themselves with an exit code other than 0, conditions that were seen
 * not to hold, files that did not exist. Something without an answer is not a failure; see timed-out.ts.
 */
export function failuresOf({ commands, waits, absent }: StepFacts): readonly Failure[] {
  return [
    ...commands
      .filter(({ result }) => result.exitCode !== 0 && !ranIntoLimit(result))
      .map((command) => ({
        what: describeEnd(command.result),
        errorText: errorText(command.result),
        command,
      })),
    ...waits
      .filter(({ met, timedOut }) => !met && !timedOut)
      .map(({ what, waitedMs, lastSeen }) => ({
        what: `waited ${waitedMs} ms in vain for ${what}`,
        errorText: lastSeen,
        command: undefined,
      })),
    ...absent.map((path) => ({
      what: `${path} was to be removed and was not there`,
      errorText: `${path}: no such file or directory`,
      command: undefined,
    })),
  ];
}

/** What a step did, for a message that it succeeded. */
export function describeActions({ step, commands, waits }: StepFacts): string {
  const actions = [
    ...commands.map(({ result }) => pasteable(result.argv)),
    ...waits.map(({ what }) => `waiting for ${what}`),
  ];
  return actions.length === 0 ? step.action.do : actions.join('; ');
}

/**
 * The message of a failed command. What crictl adds to an error is removed; for other commands it is the unchanged
 * standard error.
 */
export function errorText(result: CommandResult): string {
  const { argv, stderr } = result;
  const unwrapped = argv[0] === 'crictl' ? unwrapCrictlError(stderr) : undefined;
  return unwrapped?.message ?? cniErrorText(result) ?? stderr.replace(/\n$/, '');
}

/** The error that a directly called plugin printed to standard output, in the form that libcni gives it. */
function cniErrorText(result: CommandResult): string | undefined {
  if (result.argv[1] !== 'cni' || !result.argv.includes('--plugin')) return undefined;
  const error = errorIn(result);
  return error && errorWords(error);
}

function describeEnd({ argv, exitCode, signal }: CommandResult): string {
  const command = pasteable(argv);
  if (exitCode === null) return `command was ended by ${signal ?? 'a signal'}: ${command}`;
  return `command exited with ${exitCode}: ${command}`;
}

/**
 * The step that is the cause of a later step having nothing to act on. It is the first failed step of those that should
 * have created the pods and containers that the later step uses.
 */
export function causeOf(step: StepFacts, { run, steps }: Known): string | undefined {
  const earlier = steps.slice(0, steps.indexOf(step));
  const makers = namesIn(step, run).flatMap(
    (name) => earlier.findLast((one) => madeBy(one.step.action) === name) ?? [],
  );
  const failed = makers.filter((maker) => maker.notRun !== undefined || failuresOf(maker).length > 0);
  const first = earlier.find((one) => failed.includes(one));
  if (first?.notRun === undefined) return first?.step.id;
  return causeOf(first, { run, steps }) ?? first.step.id;
}

interface Known {
  readonly run: RunPlan;
  readonly steps: readonly StepFacts[];
}

/** Names of pods and containers, including those in texts: `${web.ip}`. */
function namesIn({ step: { action } }: StepFacts, run: RunPlan): readonly string[] {
  const pod = podOf(action, run);
  return [
    ...(pod === undefined ? [] : [pod]),
    ...(runsCommands(action) ? usedBy(action) : []), // a wait acts on nothing
    ...[...JSON.stringify(action).matchAll(/\$\{([\w-]+)\./g)].map(([, name = '']) => name),
  ];
}

import type { CommandResult } from '../core/ports.ts';
import { unwrapCrictlError } from './crictl-error.ts';
import type { StepFacts, Seen } from './facts.ts';
import { pasteable } from '../core/shown.ts';
import { ranIntoLimit } from './timed-out.ts';

/** One thing of a step that did not succeed. */
export interface Failure {
  /** what it was and how it ended, for people */
  readonly what: string;
  /** the system's own words: what exact errors are compared with */
  readonly said: string;
  readonly command: Seen<'command'> | undefined;
}

/**
 * All in a step to which the system under test said no: commands that ended by themselves and not with 0, conditions that
 * were seen not to hold, files that were not there. What has no answer is none of these: timed-out.ts.
 */
export function failuresOf({ commands, waits, absent }: StepFacts): readonly Failure[] {
  return [
    ...commands
      .filter(({ result }) => result.exitCode !== 0 && !ranIntoLimit(result))
      .map((command) => ({ what: describeEnd(command.result), said: errorText(command.result), command })),
    ...waits
      .filter(({ met, timedOut }) => !met && !timedOut)
      .map(({ what, waitedMs, lastSeen }) => ({
        what: `waited ${waitedMs} ms in vain for ${what}`,
        said: lastSeen,
        command: undefined,
      })),
    ...absent.map((path) => ({
      what: `${path} was to be removed and was not there`,
      said: `${path}: no such file or directory`,
      command: undefined,
    })),
  ];
}

/** What a step did, for saying that it succeeded. */
export function describeActions({ step, commands, waits }: StepFacts): string {
  const actions = [
    ...commands.map(({ result }) => pasteable(result.argv)),
    ...waits.map(({ what }) => `waiting for ${what}`),
  ];
  return actions.length === 0 ? step.action.do : actions.join('; ');
}

/** The message of a failed command: crictl's without what crictl adds to it, any other's standard error as it is. */
export function errorText({ argv, stderr }: CommandResult): string {
  const unwrapped = argv[0] === 'crictl' ? unwrapCrictlError(stderr) : undefined;
  return unwrapped?.message ?? stderr.replace(/\n$/, '');
}

function describeEnd({ argv, exitCode, signal }: CommandResult): string {
  const command = pasteable(argv);
  if (exitCode === null) return `command was ended by ${signal ?? 'a signal'}: ${command}`;
  return `command exited with ${exitCode}: ${command}`;
}

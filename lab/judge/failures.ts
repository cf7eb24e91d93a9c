import type { CommandResult } from '../core/ports.ts';
import { unwrapCrictlError } from './crictl-error.ts';
import type { Seen, StepFacts } from './facts.ts';

/** One thing of a step that did not succeed. */
export interface Failure {
  /** what it was and how it ended, for people */
  readonly what: string;
  /** the system's own words: what exact errors are compared with */
  readonly said: string;
  readonly command: Seen<'command'> | undefined;
}

/** All that failed in a step: commands that did not exit with 0, conditions that were not met, files that were not there. */
export function failuresOf({ commands, waits, absent }: StepFacts): readonly Failure[] {
  return [
    ...commands
      .filter(({ result }) => result.exitCode !== 0)
      .map((command) => ({ what: describeEnd(command.result), said: errorText(command.result), command })),
    ...waits
      .filter(({ met }) => !met)
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
export function deedsOf({ step, commands, waits }: StepFacts): string {
  const deeds = [
    ...commands.map(({ result }) => pasteable(result.argv)),
    ...waits.map(({ what }) => `waiting for ${what}`),
  ];
  return deeds.length === 0 ? step.action.do : deeds.join('; ');
}

/** The message of a failed command: crictl's without what crictl adds to it, any other's standard error as it is. */
export function errorText({ argv, stderr }: CommandResult): string {
  const unwrapped = argv[0] === 'crictl' ? unwrapCrictlError(stderr) : undefined;
  return unwrapped?.message ?? stderr.replace(/\n$/, '');
}

function describeEnd({ argv, exitCode, signal, timedOut, durationMs }: CommandResult): string {
  const command = pasteable(argv);
  if (timedOut) return `command did not end within ${Math.round(durationMs)} ms: ${command}`;
  if (exitCode === null) return `command was ended by ${signal ?? 'a signal'}: ${command}`;
  return `command exited with ${exitCode}: ${command}`;
}

/** A command as a shell takes it. */
export function pasteable(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

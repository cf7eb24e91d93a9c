import { basename } from 'node:path';

import type { Command, Option } from 'commander';

import { EXIT } from './exit-codes.ts';
import type { World } from '../assembly/world.ts';
import { COMPONENTS } from '../core/components.ts';
import { findScenarios } from '../assembly/find-scenarios.ts';
import { createBackends, nodesUp } from '../assembly/backends.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * They call `cnilab complete -- WORD…`, which prints one line for each word: the word, a tab, a description. No output
 * means file names.
 */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_cnilab() {
  local word about
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    COMPREPLY+=("$word")
  done < <("$1" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _cnilab cnilab
`,
  zsh: `#compdef cnilab
_cnilab() {
  local word about
  local -a found
  while IFS=$'\\t' read -r word about; do
    found+=("\${word//:/\\\\:}:$about")
  done < <("$words[1]" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#found )); then _describe cnilab found; else _files; fi
}
compdef _cnilab cnilab
`,
  fish: `function __cnilab_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    cnilab complete -- $words "$current" 2>/dev/null
end
complete -c cnilab -a '(__cnilab_complete)'
`,
};

/** `cnilab completion`: prints the script for a shell. */
export function completionCommand(world: World, shell: Shell): number {
  world.out.write(SCRIPTS[shell]);
  return EXIT.pass;
}

/** A possible next word, and its description. */
export type Candidate = readonly [word: string, about: string];

/** Names that must be looked up. */
export interface Names {
  scenarios(): Promise<readonly string[]>;
  /** `kept`: only kept nodes */
  nodes(which: { readonly kept: boolean }): Promise<readonly string[]>;
}

/**
 * `cnilab complete`, which the scripts of the shells call: prints a line for each word that can replace the last one.
 */
export async function completeCommand(
  world: World,
  program: Command,
  words: readonly string[],
): Promise<number> {
  const names: Names = {
    scenarios: async () =>
      (await findScenarios([], world)).map(({ hostPath }) => basename(hostPath).replace(/\.ya?ml$/, '')),
    nodes: async ({ kept }) =>
      (await nodesUp(createBackends(world))).found
        .filter((node) => node.kept || !kept)
        .map(({ name }) => name),
  };
  for (const [word, about] of await candidates(program, words, names)) world.out.write(`${word}\t${about}\n`);
  return EXIT.pass;
}

/** The words that can replace the last one. Empty if it is a file name, or unknown to the lab. */
export async function candidates(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const fitting = (all: readonly Candidate[]) => all.filter(([word]) => word.startsWith(current));
  const at = before.findIndex((word) => !word.startsWith('-'));
  const command = program.commands.find((command) => command.name() === before[at]);
  if (command === undefined) {
    if (at >= 0) return [];
    return fitting(current.startsWith('-') ? optionsOf(program) : commandsOf(program));
  }
  const after = before.slice(at + 1);
  const valued = optionNamed(command, after.at(-1));
  if (valued?.required === true) return fitting(valuesOf(valued));
  if (current.startsWith('-')) return fitting(optionsOf(command));
  const given = after.filter(
    (word, index) => !word.startsWith('-') && optionNamed(command, after[index - 1])?.required !== true,
  );
  return fitting(await argumentsOf(command, given, names));
}

const commandsOf = (program: Command): readonly Candidate[] =>
  program
    .createHelp()
    .visibleCommands(program)
    .map((command) => [command.name(), command.description()]);

const optionsOf = (command: Command): readonly Candidate[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .map((option) => [option.long ?? option.flags, option.description]);

const optionNamed = (command: Command, word: string | undefined): Option | undefined =>
  command.options.find(({ long, short }) => word !== undefined && (word === long || word === short));

const valuesOf = ({ argChoices = [] }: Option): readonly Candidate[] =>
  argChoices.map((choice) => [choice, '']);

async function argumentsOf(
  command: Command,
  given: readonly string[],
  names: Names,
): Promise<readonly Candidate[]> {
  const [argument] = command.registeredArguments;
  if (argument === undefined || (given.length > 0 && (!argument.variadic || command.name() === 'enter')))
    return [];
  const all = (words: readonly string[], about: string): readonly Candidate[] =>
    words.filter((word) => !given.includes(word)).map((word) => [word, about]);
  switch (argument.name()) {
    case 'scenarios':
      return all(await names.scenarios(), 'scenario');
    case 'node':
      return all(await names.nodes({ kept: false }), 'node');
    case 'nodes':
      return all(await names.nodes({ kept: true }), 'node');
    case 'component':
      return all(COMPONENTS, 'component');
    default:
      return all(argument.argChoices ?? [], argument.name());
  }
}

import type { Command, Help, Option } from 'commander';

import type { World } from '../lab/assembly/world.ts';
import { HELP } from '../lab/cli/help.ts';
import { createProgram } from '../lab/cli/program.ts';

/** The text of docs/commands.md, made from the command line itself. */
export function commandsPage(): string {
  // no command is executed, so nothing but the version is read of this world
  const program = createProgram({ labVersion: '' } as World, () => undefined);
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help');
  const parts = [
    '# Commands',
    'This page is made from the help of the commands by `node scripts/write-commands.mjs`. `cnilab COMMAND --help` shows the same, and\nthe environment variables that a command reads. `--no-color`, for plain text, works with every command.',
    ...commands.map((command) => commandSection(command, help)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function commandSection(command: Command, help: Help): string {
  const name = command.name();
  const { examples = [], exitCodes = [] } = HELP[name] ?? {};
  const width = Math.max(...examples.map(([words]) => words.length));
  const lines = examples.map(([words, what]) => `cnilab ${words.padEnd(width)}  # ${what}`);
  return [
    `## ${name}`,
    `\`cnilab ${name} ${command.usage()}\`: ${command.description()}.`,
    ...argumentTable(command, help),
    ...optionTables(command, help),
    `\`\`\`sh\n${lines.join('\n')}\n\`\`\``,
    `Exit codes: ${exitCodes.join(', ')}.`,
  ].join('\n\n');
}

const argumentTable = (command: Command, help: Help): readonly string[] => {
  const rows = help
    .visibleArguments(command)
    .map((one) => [help.argumentTerm(one), help.argumentDescription(one)] as const);
  return rows.length === 0 ? [] : [table('argument', rows)];
};

const optionTables = (command: Command, help: Help): readonly string[] => {
  const groups = new Map<string, Option[]>();
  for (const option of help.visibleOptions(command).filter(({ long }) => long !== '--help')) {
    const heading = option.helpGroupHeading ?? 'option';
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  return [...groups].map(([heading, options]) =>
    table(
      heading.replace(/:$/, ''),
      options.map((one) => [help.optionTerm(one), help.optionDescription(one)] as const),
    ),
  );
};

const table = (heading: string, rows: readonly (readonly [term: string, what: string])[]): string =>
  [
    `| ${heading} | |`,
    '|---|---|',
    ...rows.map(([term, what]) => `| \`${term}\` | ${what.replaceAll('|', '\\|')} |`),
  ].join('\n');

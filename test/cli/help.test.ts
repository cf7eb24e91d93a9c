import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENVIRONMENT, HELP, helpBelow } from '../../lab/cli/help.ts';
import { createProgram, SELECT_GROUP } from '../../lab/cli/program.ts';
import { commandsPage } from '../../scripts/commands-page.ts';
import { fakeWorld } from '../rig/fake-world.ts';
import { ROOT } from '../rig/cnilab.ts';

const commands = () => {
  const program = createProgram(fakeWorld(), () => undefined);
  return program.createHelp().visibleCommands(program);
};

test('every command has examples, and nothing else has', () => {
  const names = commands().map((command) => command.name());
  expect(Object.keys(HELP).sort()).toEqual(names.filter((name) => name !== 'help').sort());
  for (const { examples } of Object.values(HELP)) expect(examples.length).toBeGreaterThan(0);
});

test.each(
  Object.entries(HELP).flatMap(([name, { examples }]) => examples.map(([words]) => [words, name] as const)),
)('the example `cnilab %s` is one of this command line', async (words, name) => {
  let taken = '';
  const program = createProgram(fakeWorld(), () => undefined);
  for (const command of program.commands) command.action(() => void (taken = command.name()));
  await program.parseAsync(words.split(' '), { from: 'user' });
  expect(taken).toBe(name);
});

test('the help has exactly the environment variables that the lab reads', () => {
  const read = new Set<string>();
  for (const file of readdirSync(`${ROOT}/lab`, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(`${ROOT}/lab/${file}`, 'utf8');
    const named = /\benv(?:\.|\[')((?:CNILAB|XDG|DOCKER|TESTCONTAINERS|RYUK|NO|FORCE|GITHUB)_[A-Z_]+)/g;
    for (const [, name = ''] of text.matchAll(named)) read.add(name);
  }
  const told = Object.values(ENVIRONMENT).flatMap((group) => Object.keys(group));
  expect(told.sort()).toEqual([...read].sort());
});

test('--help ends with examples, exit codes and the environment', async () => {
  const world = fakeWorld();
  await createProgram(world, () => undefined)
    .parseAsync(['completion', '--help'], { from: 'user' })
    .catch(() => undefined); // commander ends with an exception
  expect(world.written.out.slice(world.written.out.indexOf('Examples:'))).toBe(`Examples:
  $ cnilab completion bash
      for ~/.bashrc: source <(cnilab completion bash)
  $ cnilab completion zsh
      for ~/.zshrc, after compinit: source <(cnilab completion zsh)
  $ cnilab completion fish
      for config.fish: cnilab completion fish | source

Exit codes:
  0  done; of runs: all passed
  2  bad input; nothing was run

Environment:
  NO_COLOR        plain text
  FORCE_COLOR     colours without a terminal; 0: none
  GITHUB_ACTIONS  true: no line is a command of GitHub
`);
});

test('the help fits into 80 columns', () => {
  const lines = Object.keys(HELP).flatMap((name) => helpBelow(name).split('\n'));
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test('docs/commands.md is what scripts/write-commands.mjs writes', () => {
  expect(readFileSync(`${ROOT}/docs/commands.md`, 'utf8')).toBe(commandsPage());
});

const readme = readFileSync(`${ROOT}/README.md`, 'utf8');

/** The first cells of the rows of a table, which starts with this heading. */
const firstCells = (heading: string): string => {
  const from = readme.indexOf(heading);
  expect(from, heading).toBeGreaterThan(-1);
  const [table = ''] = readme.slice(from).split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .map((row) => row.split(' | ')[0] ?? '')
    .join('\n');
};

test('README has every command in its table, and every flag that selects or repeats runs', () => {
  const named = [...firstCells('| | |\n|---|---|\n| `cnilab run NAME…`').matchAll(/`(?:cnilab )?([a-z]+)/g)];
  const words = new Set(named.map(([, word = '']) => word));
  const missing = commands().filter((command) => !words.has(command.name()) && command.name() !== 'help');
  expect(missing.map((command) => command.name())).toEqual([]);

  const run = commands().find((command) => command.name() === 'run');
  const inGroup = run?.options.filter(({ helpGroupHeading }) => helpGroupHeading === SELECT_GROUP) ?? [];
  const flags = firstCells('| flag of `cnilab run` | |').match(FLAG) ?? [];
  expect(flags.sort()).toEqual(inGroup.map(({ long }) => long ?? '').sort());
});

const FLAG = /(?<![\w-])--[a-z][a-z-]*[a-z]/g;

/** Flags of other programs that these files name: npm, node, docker, kubectl, ctr, ip, critest and the agent. */
const OF_OTHERS = [
  ...['--no-audit', '--no-fund', '--omit', '--pack-destination', '--save-dev', '--global'],
  ...['--tag', '--build-arg', '--privileged', '--no-install-recommends', '--for', '--follow', '--force'],
  ...['--cni', '--focus', '--skip', '--switch', '--unfiltered', '--max-old-space-size'],
];

/** `cnilab run FILE --update`, with the lines that a shell continues, up to the end of the command. */
const COMMAND = /(?<![\w/-])cnilab(?:\.cjs)? ([a-z]+)((?:[^`|;&\n\\]|\\\n)*)/g;

test('every flag in a document or a file for CI is one that the command has', () => {
  const flagsOf = new Map(
    commands().map((command) => [
      command.name(),
      new Set(['--help', ...command.options.map(({ long }) => long ?? '')]),
    ]),
  );
  const all = new Set([...flagsOf.values()].flatMap((flags) => [...flags]));
  const files = execFileSync('git', ['ls-files', '*.md', 'action.yml', '.github', 'deploy', 'images/lab'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const unknown = files
    .trim()
    .split('\n')
    .filter((file) => file !== 'docs/findings.md') // texts that programs printed
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const wrong = [...text.matchAll(COMMAND)].flatMap(([, name = '', rest = '']) =>
        flagsOf.has(name)
          ? (rest.match(FLAG) ?? []).flatMap((flag) =>
              flagsOf.get(name)?.has(flag) === true ? [] : [`cnilab ${name} ${flag}`],
            )
          : [],
      );
      const nobodys = (text.match(FLAG) ?? []).filter((flag) => !all.has(flag) && !OF_OTHERS.includes(flag));
      return [...wrong, ...nobodys].map((what) => `${file}: ${what}`);
    });
  expect([...new Set(unknown)]).toEqual([]);
});

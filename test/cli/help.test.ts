import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ENVIRONMENT, HELP, helpBelow } from '../../lab/cli/help.ts';
import { createProgram } from '../../lab/cli/program.ts';
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

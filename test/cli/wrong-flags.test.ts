import { expect, test } from 'vitest';
import { createProgram } from '../../lab/cli/program.ts';
import { createReporters } from '../../lab/cli/reporters.ts';
import { fakeWorld } from '../rig/fake-world.ts';

/** What a command line that makes no sense is answered with, before anything is read or run. */
async function answer(line: string): Promise<string> {
  let exitCode: number | undefined;
  const program = createProgram(fakeWorld(), (code) => void (exitCode = code));
  try {
    await program.parseAsync(line.split(' '), { from: 'user' });
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return `it was accepted, exit code ${exitCode}`;
}

test.each([
  [
    'run a.yaml --retries -1',
    "option '--retries <n>' argument '-1' is invalid. 0 or a whole number above is wanted",
  ],
  ['run a.yaml --retries x', '0 or a whole number above is wanted'],
  ['run a.yaml --repeat 0', 'a whole number above 0 is wanted'],
  ['run a.yaml --bail --max-failures 3', '--bail is the same as --max-failures 1'],
  ['run a.yaml --update --watch', '--update measures what the files say, so it goes without --watch'],
  ['run a.yaml --watch --shard 1/2', '--watch goes without --shard'],
  ['run a.yaml --keep --retries 1', '--keep leaves the node of each run up, so it goes without --retries'],
  ['run a.yaml --fail-on-flaky', '--fail-on-flaky is for --retries'],
  ['run a.yaml --durations d.json', '--durations is for --shard'],
  ['run a.yaml --yes', '--yes is for --update'],
  ['run a.yaml --all', '--all runs every scenario'],
  ['run', 'name a scenario, a file, a folder or a glob, or use --all'],
  ['plan --shards 2', '--shards is for --github'],
  ['plan --github --json', '--github goes without --json and --shard'],
  ['plan --durations d.json', '--durations is for --shard and --github'],
  ['parity --backend vm', 'parity runs on every backend that works here'],
])('`cnilab %s` is answered with: %s', async (line, expected) => {
  expect(await answer(line)).toContain(expected);
});

test('a page is not written to a terminal', async () => {
  const terminal = fakeWorld({ out: { ...fakeWorld().out, isTerminal: true } });
  await expect(createReporters(terminal, { reporter: ['html'] })).rejects.toThrow(
    'a page is nothing for a terminal; give it a file, as in --reporter html=report.html',
  );
  expect(await createReporters(fakeWorld(), { reporter: ['html'] })).toHaveLength(1);
});

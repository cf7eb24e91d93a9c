// `npm run check`: types, lint, format, unit tests, and the same for the Go programs. All of them run, so that all
// failures are shown at once. One runs on each processor, the longest first, and its output is shown when it ends.
// With --static the unit tests of lab/ are left out.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

import { $ } from 'zx';

const GO_MODULES = ['images/node-tools', 'images/critest', 'test/rig/reaper', 'test/rig/calls'];
const npx = (...argv) => ({ argv: ['npx', '--no-install', ...argv] });

const checks = [
  ...(process.argv.includes('--static') ? [] : [npx('vitest', 'run', '--project', 'unit')]),
  npx('eslint', '.'),
  npx('tsc'),
  npx('prettier', '--check', '--log-level', 'warn', '.'),
  npx('tsc', '-p', 'lab/report/html/client'),
  npx('tsc', '-p', 'test/browser'),
];
if (spawnSync('go', ['version']).status === 0) {
  for (const cwd of GO_MODULES) {
    checks.push(
      { argv: ['gofmt', '-l', '.'], cwd, quiet: true },
      { argv: ['go', 'vet', './...'], cwd },
      { argv: ['go', 'test', './...'], cwd },
    );
  }
} else console.log(`not checked, as there is no go on the PATH: ${GO_MODULES.join(', ')}`);

/** `quiet`: any output is a failure, and the exit code is ignored. */
async function fails({ argv, cwd, quiet = false }) {
  const env = { ...process.env, ...(process.stdout.hasColors?.() ? { FORCE_COLOR: '1' } : {}) };
  const { exitCode, stdall } = await $({ cwd, env, nothrow: true, quiet: true })`${argv}`;
  console.log(`\n> ${cwd === undefined ? '' : `${cwd}: `}${argv.join(' ')}\n${stdall.trimEnd()}`);
  return exitCode !== 0 || (quiet && stdall !== '');
}

const failed = [];
const waiting = checks.values();
async function takeInTurn() {
  for (const check of waiting)
    if (await fails(check))
      failed.push(`${check.argv.join(' ')}${check.cwd === undefined ? '' : ` in ${check.cwd}`}`);
}
await Promise.all(Array.from({ length: availableParallelism() }, takeInTurn));
console.log(failed.length === 0 ? '\ncheck: all green' : `\ncheck failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

// `npm run check`: types, lint, format, unit tests, and the same for the Go programs. All of them run, so that all
// failures are shown at once. With --static the unit tests of lab/ are left out.
import { spawnSync } from 'node:child_process';

const GO_MODULES = ['images/node-tools', 'images/critest', 'test/rig/reaper', 'test/rig/calls'];
const npx = (...argv) => ({ argv: ['npx', '--no-install', ...argv] });

const checks = [
  npx('tsc'),
  npx('tsc', '-p', 'lab/report/html/client'),
  npx('tsc', '-p', 'test/browser'),
  npx('eslint', '.'),
  npx('prettier', '--check', '--log-level', 'warn', '.'),
  ...(process.argv.includes('--static') ? [] : [npx('vitest', 'run', '--project', 'unit')]),
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
function fails({ argv: [program, ...args], cwd, quiet = false }) {
  console.log(`\n> ${cwd === undefined ? '' : `${cwd}: `}${program} ${args.join(' ')}`);
  const stdio = quiet ? ['ignore', 'pipe', 'inherit'] : 'inherit';
  const { status, stdout } = spawnSync(program, args, { stdio, cwd, encoding: 'utf8' });
  if (quiet) process.stdout.write(stdout);
  return status !== 0 || (quiet && stdout !== '');
}

const failed = checks.filter(fails).map(({ argv, cwd }) => `${argv.join(' ')}${cwd ? ` in ${cwd}` : ''}`);
console.log(failed.length === 0 ? '\ncheck: all green' : `\ncheck failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

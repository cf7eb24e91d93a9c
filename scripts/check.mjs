// `npm run check`: types, lint, format, unit tests. All of them run, so that all failures show at once.
// With --static the tests are left out.
import { spawnSync } from 'node:child_process';

const checks = [
  ['tsc'],
  ['eslint', '.'],
  ['prettier', '--check', '--log-level', 'warn', '.'],
  ...(process.argv.includes('--static') ? [] : [['vitest', 'run', '--project', 'unit']]),
];

const failed = checks.filter(([tool, ...args]) => {
  console.log(`\n> ${tool} ${args.join(' ')}`);
  return spawnSync('npx', ['--no-install', tool, ...args], { stdio: 'inherit' }).status !== 0;
});
console.log(
  failed.length === 0 ? '\ncheck: all green' : `\ncheck failed: ${failed.map(([tool]) => tool).join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

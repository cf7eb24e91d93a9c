// Types, lint and format, then the test command of README. The last line has the counts of the test runner, and the line
// before it how long checks and tests took, and from which cache. With an empty cache the releases that few runs need are
// left to the next run.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { $ } from 'zx';
import { withScript } from './typescript.mjs';

$.verbose = true;
$.stdio = 'inherit';
$.nothrow = true;

// Checks and tests compile as the lab does, and into its cache, so that Go's library is compiled once for all of them.
const flags = await withScript('../lab/artifacts/go/tool.ts', ({ COMPILER_FLAGS }) => COMPILER_FLAGS);
const cache = await withScript(
  '../lab/assembly/ambient.ts',
  ({ ambientWorld }) => ambientWorld().cacheHostPath,
);
const fromEmpty = !existsSync(join(cache, 'artifacts'));
// The builds of those releases take five minutes, which an hour has no room for.
if (fromEmpty) process.env.CNILAB_TEST_RELEASES ??= 'common';
process.env.GOCACHE = join(cache, 'go', 'build');
process.env.GOMODCACHE = join(cache, 'go', 'mod');
process.env.GOFLAGS = ['-modcacherw', ...flags].join(' ');
process.env.CGO_ENABLED = '0';
process.env.GOGC ??= '1000'; // builds take 5 % less time than with the lab's 400, and more memory

const folder = await mkdtemp(join(tmpdir(), 'cnilab-ci-'));
const report = join(folder, 'tests.json');
try {
  const checked = await $`npm run check:static`;
  const tested = await $`npm run test:all -- --reporter=default --reporter=json --outputFile.json=${report}`;
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = await counts();
  // If a file cannot be loaded, or if what its tests need does not start, none of its tests counts as failed.
  const brokenFiles = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  ).length;
  const failed = numFailedTests + brokenFiles + (checked.exitCode === 0 ? 0 : 1);
  process.exitCode = tested.exitCode === 0 && checked.exitCode === 0 ? 0 : 1;
  const seconds = Math.round(performance.now() / 1000);
  const without =
    process.env.CNILAB_TEST_RELEASES === 'common' ? ', without the releases that few runs need' : '';
  console.log(
    `checks and tests took ${seconds} s, with ${fromEmpty ? 'an empty cache' : 'a cache of earlier runs'}${without}`,
  );
  console.log(
    `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A test runner that did not finish has no counts, which is a failure. */
async function counts() {
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text !== undefined) return JSON.parse(text);
  return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, testResults: [] };
}

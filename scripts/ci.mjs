// Types, lint and format, then the test command of README. The last line has the counts of the test runner.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'zx';

$.verbose = true;
$.stdio = 'inherit';
$.nothrow = true;

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

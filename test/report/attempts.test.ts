import { validateStrict } from 'ctrf';
import { expect, test } from 'vitest';

import type { LabEvent, RunEnded } from '../../lab/events.ts';
import { attemptTexts, decideAttempts, isFlaky } from '../../lab/report/attempts.ts';
import { createJsonReporter, type JsonReport } from '../../lab/report/json.ts';
import { createJunitReporter } from '../../lab/report/junit.ts';
import { createCtrfReporter } from '../../lab/report/ctrf.ts';
import { createGithubReporter } from '../../lab/report/github.ts';
import { createMarkdownReporter } from '../../lab/report/markdown.ts';
import type { Reporter } from '../../lab/report/reporter.ts';
import { createTapReporter } from '../../lab/report/tap.ts';
import { createTerminalReporter } from '../../lab/report/terminal.ts';
import { fakeNode } from '../rig/fake-node.ts';
import { judge } from '../rig/judged.ts';
import { brokenOff, failing, passing, session, tell, type RecordedCell } from '../rig/sessions.ts';

const ended = ({ run, entries }: RecordedCell, path: string): RunEnded => ({
  ...{ kind: 'run-ended', run, entries, verdict: judge(run, entries), durationMs: 600 },
  outputHostPath: `/out/s1/${path}`,
});
const FAIL = ended(failing('1.6.3'), 'a');
const UNKNOWN = ended(brokenOff('1.6.3'), 'a/attempt-2');
const PASS = ended(passing('1.6.3'), 'a/attempt-3');

test.each([
  [[PASS], 'pass', PASS],
  [[FAIL, UNKNOWN, PASS], 'pass', PASS],
  [[FAIL, UNKNOWN], 'fail', FAIL],
  [[UNKNOWN, UNKNOWN], 'inconclusive', UNKNOWN],
] as const)('of attempts one decides: case %#', (attempts, outcome, decisive) => {
  const decided = decideAttempts(attempts);
  expect([decided.verdict.outcome, decided.outputHostPath]).toEqual([outcome, decisive.outputHostPath]);
  expect(isFlaky(decided)).toBe(outcome === 'pass' && attempts.length > 1);
  expect(attemptTexts(decided)).toHaveLength(attempts.length === 1 ? 0 : attempts.length);
});

/** A session in which the first run is flaky and the second one passes at once. */
const flaky = (): readonly LabEvent[] =>
  session([passing('1.6.3'), passing('1.6.4')]).map((event) =>
    event.kind === 'run-ended' && event.run.title.endsWith('1.6.3')
      ? decideAttempts([FAIL, { ...event, outputHostPath: '/out/s1/a/attempt-2' }])
      : event,
  );

test('the terminal report shows that a run is flaky, and where its attempts are', async () => {
  let text = '';
  const write = (more: string) => void (text += more);
  const screen = { write, draw: write, isTerminal: false, color: false, columns: 120 };
  await tell(createTerminalReporter({ screen, clock: fakeNode().clock, verbose: false }), flaky());
  expect(text).toContain('flaky  reserved containerd=1.6.3');
  expect(text).toContain('pass  reserved containerd=1.6.4');
  expect(text).toContain('attempt 1  fail  1-run-pod: error differs at character 9; recorded in /out/s1/a\n');
  expect(text).toContain('attempt 2  pass  recorded in /out/s1/a/attempt-2\n');
  expect(text).toContain('2 passed (1 flaky) in ');
});

test('the JSON report counts flaky runs and has each attempt', async () => {
  let text = '';
  await tell(createJsonReporter({ write: (more) => void (text += more) }), flaky());
  expect(JSON.parse(text)).toMatchObject({
    outcome: 'pass',
    totals: { pass: 2, fail: 0, inconclusive: 0, flaky: 1, notRun: 0 },
    runs: [
      {
        outcome: 'pass',
        flaky: true,
        attempts: [
          { outcome: 'fail', durationMs: 600, outputHostPath: '/out/s1/a', findings: FAIL.verdict.findings },
          { outcome: 'pass', outputHostPath: '/out/s1/a/attempt-2' },
        ],
      },
      { outcome: 'pass' },
    ],
  });
  const { runs } = JSON.parse(text) as JsonReport;
  expect(runs[1]).not.toHaveProperty('attempts');
});

test('the JUnit report has flaky runs as a property of the suite, and the attempts in the output of the run', async () => {
  let text = '';
  await tell(createJunitReporter({ write: (more) => void (text += more) }), flaky());
  expect(text).toContain(
    `<testsuite name="reserved" file="web.yaml" tests="6" failures="0" errors="0" skipped="0"`,
  );
  expect(text).toContain('<property name="flaky" value="1"/>');
  expect(text).toContain('attempt 1  fail  1-run-pod: error differs at character 9; recorded in /out/s1/a\n');
  expect(text.match(/<flakyFailure /g)).toHaveLength(1);
  expect(text).toContain(
    `name="1-run-pod" time="0.040">
      <flakyFailure type="error" message="1-run-pod: error differs at character 9">
        <stackTrace>1-run-pod: error differs at character 9
  at web.yaml:21:5
`,
  );
});

test('junit has attempts at a run that did not pass in the end, where they came out differently', async () => {
  let text = '';
  const events = flaky().map((event) =>
    event.kind === 'run-ended' && event.attempts !== undefined ? decideAttempts([FAIL, UNKNOWN]) : event,
  );
  await tell(createJunitReporter({ write: (more) => void (text += more) }), events);
  expect(text).toContain('<rerunError type="ran" message="2-stop-pod: the run did not come to its end');
  expect(text).not.toContain('<flaky');
});

test('Markdown, TAP, CTRF and the outputs for GitHub have flaky runs too', async () => {
  let text = '';
  const write = (more: string) => void (text += more);
  const said = async (reporter: Reporter): Promise<string> => {
    text = '';
    await tell(reporter, flaky());
    return text;
  };
  const first = 'attempt 1  fail  1-run-pod: error differs at character 9; recorded in /out/s1/a';
  const markdown = await said(createMarkdownReporter({ write }));
  expect(markdown).toContain('cnilab: 2 passed, of which 1 is flaky\n');
  expect(markdown).toContain(`flaky: reserved containerd=1.6.3: ${first}`);
  const tap = await said(createTapReporter({ write }));
  expect(tap).toContain('ok 1 - reserved containerd=1.6.3\n');
  expect(tap).toContain(`  flaky: "true"\n  attempts:\n    - "${first}"\n`);
  const ctrf: unknown = JSON.parse(
    await said(createCtrfReporter({ write, labVersion: '0.1.0', nowMs: () => 0 })),
  );
  validateStrict(ctrf);
  const before = {
    ...{ attempt: 1, status: 'failed', duration: 600, extra: { folder: '/out/s1/a' } },
    message: '1-run-pod: error differs at character 9',
  };
  expect(ctrf).toMatchObject({
    results: {
      tests: [{ status: 'passed', retries: 1, flaky: true, retryAttempts: [before] }, { status: 'passed' }],
      summary: { passed: 2, flaky: 1 },
    },
  });
  let outputs = '';
  await said(
    createGithubReporter({
      ...{ write, summaryRoom: 1000, cwd: '/', workspace: '/', reportFiles: [], newToken: () => 'x' },
      appendOutput: (more) => void (outputs += more),
    }),
  );
  expect(outputs).toContain('flaky<<cnilab_x\n1\n');
});

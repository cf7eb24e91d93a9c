import { gunzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { LabEvent } from '../../lab/events.ts';
import type { ReportIndex, RunDetail, RunRow } from '../../lab/report/html/client/data.ts';
import { decideAttempts } from '../../lab/report/attempts.ts';
import { headOf } from '../../lab/plan/plan.ts';
import { createHtmlReporter, type HtmlOptions } from '../../lab/report/html/html.ts';
import { judge } from '../rig/judged.ts';
import { item, journalOf, planned, ran, result, runPod, state, stopPod } from '../rig/recorded-run.ts';
import { brokenOff, failing, passing, session, tell } from '../rig/sessions.ts';

const PAGE = { script: 'run()', style: 'a{}' };

async function htmlOf(events: readonly LabEvent[], options: Pick<HtmlOptions, 'room'> = {}): Promise<string> {
  let text = '';
  const write = (more: string) => void (text += more);
  const reporter = createHtmlReporter({
    ...{ write, page: PAGE, runtimes: RUNTIMES, labVersion: '0.1.0' },
    ...options,
  });
  await tell(reporter, events);
  return text;
}

/** A block of the page, as the page's own program reads it. */
function blockOf(html: string, id: string): unknown {
  const base64 = new RegExp(`id="${id}">([^<]*)</script>`).exec(html)?.[1] ?? '';
  return JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString());
}

/** The index with the rows of all its blocks. */
function indexOf(html: string) {
  const index = blockOf(html, 'index') as ReportIndex & {
    readonly texts: readonly number[];
    readonly rowBlocks: number;
  };
  const rows = Array.from({ length: index.rowBlocks }, (_, at) => blockOf(html, `rows-${at}`) as RunRow[]);
  return { ...index, runs: rows.flat() };
}

/** The details of a run, with the shared texts filled in. */
function detailIn(html: string, slug: string): RunDetail {
  const { runs, texts: starts } = indexOf(html);
  const [block = 0, place = 0] = runs.find((run) => run.slug === slug)?.at ?? [];
  const texts = starts.flatMap((_, at) => blockOf(html, `texts-${at}`) as string[]);
  const details = blockOf(html, `details-${block}`) as unknown[];
  const fill = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && '$' in value ? texts[value.$ as number] : value;
  return JSON.parse(JSON.stringify(details[place]), fill) as RunDetail;
}

test('the index has the verdict, a row for each run, and one item for runs that fail in the same way', async () => {
  const { run } = passing('1.6.10');
  const html = await htmlOf(
    session([failing('1.6.3'), passing('1.6.4'), failing('1.6.2'), brokenOff('debian:1.6.20')], [run]),
  );
  const index = indexOf(html);
  expect(index.versions).toEqual(['1.6.2', '1.6.3', '1.6.4', '1.6.10', 'debian:1.6.20']);
  expect(index.outcome).toBe('fail');
  expect(index.runs.map(({ title, outcome, version }) => [title, outcome, index.versions[version]])).toEqual([
    ['reserved containerd=1.6.3', 'fail', '1.6.3'],
    ['reserved containerd=1.6.4', 'pass', '1.6.4'],
    ['reserved containerd=1.6.2', 'fail', '1.6.2'],
    ['reserved containerd=debian:1.6.20', 'inconclusive', 'debian:1.6.20'],
    ['reserved containerd=1.6.10', 'not run', '1.6.10'],
  ]);
  expect(index.attention.map(({ headline, outcome, runs }) => [headline, outcome, runs])).toEqual([
    ['1-run-pod: error differs at character 9', 'fail', [0, 2]],
    [
      '2-stop-pod: the run did not come to its end: during the steps: the agent <went> away',
      'inconclusive',
      [3],
    ],
  ]);
  expect(index.runs.map(({ at }) => at === undefined)).toEqual([false, false, false, false, true]);
});

test('the details of a run have its timeline, what is left behind with its step, and the pointer at the first difference', async () => {
  const id = 'a'.repeat(64);
  const run = planned({ title: 'web', steps: [[runPod], [stopPod]] });
  const left = item('ipam', 'net/10.88.0.2', { id });
  const entries = journalOf(
    { ...run, scenarioText: 'name: web\n' },
    {
      steps: [
        {
          seen: [
            ran('1-run-pod', result(['crictl', 'runp', '/lab/pods/web.json'], { stdout: `${id}\n` }), { id }),
            { kind: 'capture', stepId: '1-run-pod', name: 'web.id', value: id },
          ],
          log: `time="2026-01-01T00:00:00.100Z" level=error msg="no such sandbox ${id}"\n`,
          state: state([left]),
        },
        { state: state([left]) },
      ],
    },
  );
  const verdict = judge(run, entries);
  const ended: LabEvent = {
    kind: 'run-ended',
    run: { ...run, scenarioText: 'name: web\n' },
    verdict,
    entries,
    durationMs: 10,
    outputHostPath: '/out',
  };
  const detail = detailIn(await htmlOf([ended]), 'web');
  expect(detail.scenarioText).toBe('name: web\n');
  expect(detail.command).toBe('cnilab run web.yaml');
  expect(detail.left).toEqual([
    { kind: 'ipam', name: 'net/10.88.0.2', since: '1-run-pod', isUnexpected: false },
  ]);
  expect(detail.artifacts).toEqual([
    { name: 'containerd', version: '1.6.3', source: 'gomod', key: 'k', madeBy: 'go 1.26' },
  ]);
  expect(detail.events.map(({ lane, label, level }) => [lane, label, level])).toEqual(
    expect.arrayContaining([
      ['steps', '1-run-pod', ''],
      ['cri', 'crictl runp /lab/pods/web.json: exit 0', ''],
      ['log', 'no such sandbox <web>', 'error'],
    ]),
  );
  expect(detail.events.find(({ lane }) => lane === 'cri')?.more).toEqual([['standard output', '<web>\n']]);
});

test('a flaky run has a mark of its own, and its details have its attempts', async () => {
  const first = { ...failing('1.6.3'), durationMs: 600, outputHostPath: '/out/s1/a' };
  const html = await htmlOf(
    session([passing('1.6.3'), passing('1.6.4')]).map((event): LabEvent =>
      event.kind === 'run-ended' && event.run.title.endsWith('1.6.3')
        ? decideAttempts([{ kind: 'run-ended', ...first, verdict: judge(first.run, first.entries) }, event])
        : event,
    ),
  );
  const { runs, notices } = indexOf(html);
  expect(runs.map(({ title, outcome }) => [title, outcome])).toEqual([
    ['reserved containerd=1.6.3', 'flaky'],
    ['reserved containerd=1.6.4', 'pass'],
  ]);
  expect(notices).toEqual(['1 run passed only when repeated']);
  expect(detailIn(html, runs[0]?.slug ?? '').attempts).toEqual([
    'attempt 1  fail  1-run-pod: error differs at character 9; recorded in /out/s1/a',
    'attempt 2  pass  recorded in /out/s1/reserved-containerd-1.6.3',
  ]);
  expect(html).toContain('pass: 1, flaky: 1, fail: 0');
});

test('the rows of many runs are in several blocks, in their order', async () => {
  const cells = Array.from({ length: 4000 }, (_, at) => `1.6.${at}`);
  const html = await htmlOf([
    {
      ...{ kind: 'session-started', backend: 'bare', jobs: 1, outputHostPath: '/out' },
      runs: cells.map((version) => headOf(passing(version).run)),
    },
  ]);
  const { runs, rowBlocks } = indexOf(html);
  expect(rowBlocks).toBe(2);
  expect(runs.map(({ title }) => title)).toEqual(cells.map((version) => `reserved containerd=${version}`));
});

/** The first block is closed after some runs, and what follows finds no room for details. */
const CROWD = Array.from({ length: 200 }, (_, at) => passing(`1.6.${at}`));

test('when the page is full, runs that passed have no details, and the page says so and how to see them', async () => {
  const cells = [...CROWD, failing('1.7.1'), brokenOff('1.7.2')];
  const html = await htmlOf(session(cells), { room: { forAll: 1, forNotPassed: 10 ** 9 } });
  const { runs, notices } = indexOf(html);
  const without = runs.filter(({ at }) => at === undefined);
  expect(runs).toHaveLength(202);
  expect(without.length).toBeGreaterThan(0);
  expect(without.length).toBeLessThan(200);
  expect(new Set(without.map(({ outcome }) => outcome))).toEqual(new Set(['pass']));
  expect(without[0]?.detailsBy).toBe(
    `cnilab report /out/s1/${without[0]?.slug ?? ''} --reporter html=run.html`,
  );
  expect(runs.filter(({ at }) => at !== undefined).flatMap(({ detailsBy }) => detailsBy ?? [])).toEqual([]);
  expect(notices).toEqual([
    `To keep this page usable in a browser, it does not have the details of ${without.length} runs. All of these runs passed. A report of fewer folders has them: cnilab report FOLDER… --reporter html=FILE`,
  ]);
  expect(detailIn(html, runs[200]?.slug ?? '').problems).not.toEqual([]);
  expect(html).toContain('pass: 200, flaky: 0, fail: 1, inconclusive: 1');
});

test('when it has no room for those that did not pass either, it says how many', async () => {
  const cells = [...CROWD, failing('1.7.1'), brokenOff('1.7.2')];
  const html = await htmlOf(session(cells), { room: { forAll: 1, forNotPassed: 1 } });
  const { runs, notices, attention } = indexOf(html);
  expect(runs.slice(-2).map(({ at }) => at)).toEqual([undefined, undefined]);
  expect(notices[0]).toContain('2 of these runs did not pass.');
  expect(attention).toHaveLength(2);
});

test('two runs that behaved the same way have the same behaviour, whatever their ids', async () => {
  const of = (title: string, message: string) => {
    const run = planned({ title, steps: [[runPod]] });
    const failed = result(['crictl', 'runp'], { exitCode: 1, stderr: message });
    const entries = journalOf(run, { steps: [{ seen: [ran('1-run-pod', failed)] }] });
    return {
      kind: 'run-ended',
      run,
      verdict: judge(run, entries),
      entries,
      durationMs: 1,
      outputHostPath: '/o',
    } as const;
  };
  const html = await htmlOf([
    of('web a', `no ${'a'.repeat(64)}`),
    of('web b', `no ${'b'.repeat(64)}`),
    of('web c', 'something else'),
  ]);
  const [a, b, c] = indexOf(html).runs.map(({ behaviour }) => behaviour);
  expect(a).toBe(b);
  expect(a).not.toBe(c);
});

test('the order of events within a step does not make two runs different', async () => {
  const [first, second] = ['mount', 'umount'].map((word) => ran('1-run-pod', result([word])));
  const of = (title: string, seen: readonly (typeof first)[]) => {
    const run = planned({ title, steps: [[runPod]] });
    const entries = journalOf(run, { steps: [{ seen: seen.flatMap((one) => one ?? []) }] });
    const verdict = judge(run, entries);
    return { kind: 'run-ended', run, verdict, entries, durationMs: 1, outputHostPath: '/o' } as const;
  };
  const html = await htmlOf([
    of('web a', [first, second]),
    of('web b', [second, first]),
    of('web c', [first]),
  ]);
  const [a, b, c] = indexOf(html).runs.map(({ behaviour }) => behaviour);
  expect(a).toBe(b);
  expect(a).not.toBe(c);
});

test('equal texts are in the report once', async () => {
  const cells = Array.from({ length: 200 }, (_, at) => passing(`1.6.${at}`));
  const one = await htmlOf(session(cells.slice(0, 1)));
  const many = await htmlOf(session(cells));
  expect(many.length).toBeLessThan(one.length * 12);
});

test('output of runs cannot end an element, and only the page’s own program can run', async () => {
  const evil = '</script><script>alert(1)</script><!--\u001b[31m\udcff';
  const run = planned({ title: `web ${evil}`, steps: [[runPod]] });
  const failed = result(['crictl', 'runp'], { exitCode: 1, stderr: `${evil}${'x'.repeat(1_000_000)}` });
  const entries = journalOf(run, { steps: [{ seen: [ran('1-run-pod', failed)], log: `${evil}\n` }] });
  const verdict = judge(run, entries);
  const html = await htmlOf([
    { kind: 'session-started', runs: [run], backend: 'bare', jobs: 1, outputHostPath: evil },
    { kind: 'run-ended', run, verdict, entries, durationMs: 1, outputHostPath: evil },
    { kind: 'notice', message: evil },
    { kind: 'session-ended', outcome: 'fail', durationMs: 1, outputHostPath: evil },
  ]);
  for (const part of ['alert', '\u001b', '<!--']) expect(html).not.toContain(part);
  expect(html.match(/<script\b[^>]*>/g)?.filter((tag) => !tag.includes('octet-stream'))).toEqual([
    '<script>',
  ]);
  expect(html).toContain(
    "default-src 'none'; script-src 'sha256-AvyuiL0SD1mVY3NNxR+V2uo+lhk6RMFrytWmRt6CrJQ='; style-src 'sha256-",
  );
  expect(html.length).toBeLessThan(30_000);
  const detail = JSON.stringify(detailIn(html, run.slug));
  expect(detail).not.toContain('\u001b');
  expect(detail).toContain('\\\\u001b');
});

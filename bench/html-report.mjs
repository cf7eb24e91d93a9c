/* global document, requestAnimationFrame */
// `node bench/html-report.mjs [RUNS] [SESSION…]`: the cost of writing an HTML report of many runs, and its speed in a
// real Chromium. The runs are copies of recorded ones, with their own ids, times and durations, so that few texts are
// equal by chance. `node bench/html-report.mjs FILE.html`: the speed of a report that exists.
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describeHost } from './table.mjs';
import { withScript } from '../scripts/typescript.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [wanted = '5000', ...given] = process.argv.slice(2);
const isReport = wanted.endsWith('.html');
const total = Number(wanted);
const sessions = given.length > 0 ? given : [here('../.cnilab/latest')];
const folder = mkdtempSync(join(tmpdir(), 'cnilab-bench-'));
const report = isReport ? realpathSync(wanted) : join(folder, 'report.html');

/** The recorded runs of these sessions. */
const recorded = (isReport ? [] : sessions).flatMap((session) =>
  readdirSync(session, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(realpathSync(session), name)),
);

/** Replaces texts. Equal texts get equal replacements within one copy, and other replacements in the next copy. */
function createRenaming() {
  const names = new Map();
  const renamed = (text) => {
    if (!names.has(text)) {
      const hex = randomBytes(32).toString('hex');
      let at = 0;
      names.set(
        text,
        text.replaceAll(/[0-9a-f]/g, () => hex[at++ % 64]),
      );
    }
    return names.get(text);
  };
  return (text) =>
    text
      .replaceAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g, renamed)
      .replaceAll(/(?<=cni-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, renamed)
      .replaceAll(/(?<=veth)[0-9a-f]{8}\b/g, renamed)
      .replaceAll(/(?<=\.\d{3})\d{6}(?=Z)/g, () => String(Math.floor(Math.random() * 1e6)).padStart(6, '0'))
      .replaceAll(/(?<="(?:atMs|durationMs)":)[\d.]+/g, (ms) =>
        String(Math.round(ms * (990 + Math.random() * 20)) / 1000),
      );
}

function copyRuns() {
  let bytes = 0;
  for (let at = 0; at < total; at += 1) {
    const source = recorded[at % recorded.length];
    const nth = Math.floor(at / recorded.length) + 1;
    const target = join(folder, 'runs', String(at));
    mkdirSync(target, { recursive: true });
    const plan = JSON.parse(readFileSync(join(source, 'plan.json'), 'utf8'));
    for (const run of plan.runs) {
      const { name } = run.scenario;
      run.scenario.name = `${name} ${nth}`;
      run.title = run.title.replace(name, `${name} ${nth}`);
      run.slug = `${run.slug}.${nth}`;
    }
    const journal = createRenaming()(readFileSync(join(source, 'journal.jsonl'), 'utf8'));
    bytes += journal.length;
    writeFileSync(join(target, 'plan.json'), JSON.stringify(plan));
    writeFileSync(join(target, 'journal.jsonl'), journal);
  }
  return bytes;
}

/** Runs the lab. Returns the time that it took and its peak memory. */
async function writeReport() {
  const startedMs = performance.now();
  const argv = [
    here('../bin/cnilab.cjs'),
    'report',
    join(folder, 'runs'),
    '--reporter',
    `html=${report}`,
    '--reporter',
    'json=/dev/null',
  ];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakKiB = 0;
  const watch = setInterval(() => {
    try {
      peakKiB = Number(
        /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peakKiB,
      );
    } catch {
      // it has just ended
    }
  }, 200);
  await new Promise((resolve) => child.on('close', resolve));
  clearInterval(watch);
  return { seconds: (performance.now() - startedMs) / 1000, peakMiB: peakKiB / 1024 };
}

/** Scrolls an element to its end in this many frames. Returns the time of each frame. */
const scroll = (page, selector) =>
  page.evaluate(async (selector) => {
    const element = document.querySelector(selector);
    const frames = [];
    const end = element.scrollHeight - element.clientHeight;
    let last = performance.now();
    for (let frame = 1; frame <= 240; frame += 1) {
      element.scrollTop = (end * frame) / 240;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - last);
      last = now;
    }
    return frames.sort((a, b) => a - b);
  }, selector);

const say = (what, text) => console.log(`${what.padEnd(44)}  ${text}`);
const frames = (sorted) =>
  `${(1000 / sorted[Math.floor(sorted.length / 2)]).toFixed(0)} frames a second, 95 % below ${sorted[Math.floor(sorted.length * 0.95)].toFixed(0)} ms, longest ${sorted.at(-1).toFixed(0)} ms`;

try {
  console.log(describeHost());
  if (!isReport) {
    const journals = copyRuns();
    say('runs', `${total}, copies of ${recorded.length}; journals ${(journals / 2 ** 20).toFixed(0)} MiB`);
    const { seconds, peakMiB } = await writeReport();
    say('written in', `${seconds.toFixed(1)} s, with ${peakMiB.toFixed(0)} MiB of memory`);
  }
  const { size } = statSync(report);
  say(
    'size',
    `${(size / 2 ** 20).toFixed(1)} MiB${isReport ? '' : `, ${(size / total / 1024).toFixed(1)} KiB a run`}`,
  );
  const browser = await withScript('../test/rig/browser.ts', ({ startBrowser }) => startBrowser());
  try {
    say('Chromium', browser.version());
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const since = async (what, act, ready) => {
      const startedMs = performance.now();
      await act();
      await ready();
      say(what, `${(performance.now() - startedMs).toFixed(0)} ms`);
    };
    await since(
      'opened from disk until the matrix is there',
      () => page.goto(pathToFileURL(report).href, { waitUntil: 'commit' }),
      () => page.waitForSelector('.matrix td a'),
    );
    const memory = await page.evaluate(() => performance.memory.usedJSHeapSize);
    say('JavaScript heap', `${(memory / 2 ** 20).toFixed(0)} MiB`);
    say('the matrix scrolls with', frames(await scroll(page, '#matrix ~ .scroller')));
    say('the list of runs scrolls with', frames(await scroll(page, '#runs ~ .scroller')));
    await since(
      'filtered by two letters',
      () => page.getByRole('searchbox').fill('up'),
      () => page.waitForFunction(() => / of /.test(document.querySelector('output').textContent)),
    );
    await since(
      'a run opened until its timeline is there',
      () => page.evaluate(() => document.querySelector('.matrix td a').click()),
      () => page.waitForSelector('#timeline'),
    );
    await since(
      'back until the matrix is there',
      () => page.goBack(),
      () => page.waitForSelector('.matrix td a'),
    );
  } finally {
    await browser.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { LabEvent } from '../../lab/events.ts';
import { createHtmlReporter } from '../../lab/report/html/html.ts';
import { startBrowser } from '../rig/browser.ts';
import { ROOT } from '../rig/cnilab.ts';
import { judge } from '../rig/judged.ts';
import { journalOf, planned, ran, result, runPod } from '../rig/recorded-run.ts';
import { brokenOff, failing, passing, session, tell, type RecordedCell } from '../rig/sessions.ts';

const folder = mkdtempSync(join(tmpdir(), 'cnilab-html-'));
let browser: Awaited<ReturnType<typeof startBrowser>>;
beforeAll(async () => void (browser = await startBrowser()));
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A report with the page's real program, as the lab writes it. */
async function reportOf(name: string, events: readonly LabEvent[]): Promise<string> {
  const bundled = (file: string) => readFileSync(join(ROOT, 'dist', file), 'utf8');
  const page = { script: bundled('html-report.js'), style: bundled('html-report-style.css') };
  let text = '';
  const write = (more: string) => void (text += more);
  await tell(createHtmlReporter({ write, page, runtimes: RUNTIMES, labVersion: '0.1.0' }), events);
  const file = join(folder, `${name}.html`);
  writeFileSync(file, text);
  return pathToFileURL(file).href;
}

interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** all other requests of the page, and all its errors */
  readonly complaints: readonly string[];
}

/** Opens a report in a browser whose requests are all blocked. */
async function open(url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  await context.route('**', (route) =>
    route.request().url().startsWith('file:') ? route.continue() : route.abort(),
  );
  const page = await context.newPage();
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith(`${url}#`))
      complaints.push(`asked for ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => complaints.push(`error ${error.message}`));
  page.on('console', (message) => complaints.push(`console ${message.text()}`));
  await page.goto(url);
  await page.waitForSelector('h1');
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

const cells = [failing('1.6.2'), failing('1.6.3'), passing('1.6.4'), brokenOff('1.6.20'), passing('2.4.2')];
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');

test('the keyboard leads from the first screen to a failed run and back to the same place', async () => {
  await using opened = await open(await reportOf('keyboard', session(cells)));
  const { page } = opened;
  expect(await page.textContent('h1')).toBe('F fail 2 pass, 1 inconclusive, 2 fail');
  const inMatrix = () => page.evaluate(() => document.activeElement?.closest('.matrix') !== null);
  for (let presses = 0; presses < 20 && !(await inMatrix()); presses += 1) await page.keyboard.press('Tab');
  const label = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  const reaches = (wanted: string) => expect.poll(label, { timeout: 5000 }).toBe(wanted);
  await reaches('reserved  1.6.2: fail');
  await page.keyboard.press('ArrowRight');
  await reaches('reserved  1.6.3: fail');
  expect(await page.evaluate(() => document.activeElement?.matches(':focus-visible'))).toBe(true);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#timeline');
  await expect.poll(() => focused(page)).toBe('F fail reserved containerd=1.6.3');
  expect(await page.locator('mark').allTextContents()).toEqual(['b', 'd']);
  await page.goBack();
  await page.waitForSelector('#matrix');
  await reaches('reserved  1.6.3: fail');
  await page.keyboard.press('Tab');
  expect(await focused(page)).toBe('reserved');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#timeline');
  await expect.poll(() => focused(page)).toBe('F fail reserved containerd=1.6.2');
  expect(opened.complaints).toEqual([]);
});

test('the page follows the system’s dark mode, and the switch overrides it', async () => {
  const url = await reportOf('theme', session(cells));
  const back = (page: Page) =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await using light = await open(url, { colorScheme: 'light' });
  await using dark = await open(url, { colorScheme: 'dark' });
  expect(await back(light.page)).toBe('rgb(255, 255, 255)');
  expect(await back(dark.page)).toBe('rgb(22, 24, 29)');
  await dark.page.getByLabel('Theme').selectOption('light');
  await light.page.getByLabel('Theme').selectOption('dark');
  expect(await back(dark.page)).toBe('rgb(255, 255, 255)');
  expect(await back(light.page)).toBe('rgb(22, 24, 29)');
});

/** A run in which everything that others write is an attack. */
function hostile(): RecordedCell {
  const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)><!--\u001b]0;x\u0007\udcff%0A`;
  const run = {
    ...planned({ title: `evil ${evil}`, cell: { containerd: evil, other: evil }, steps: [[runPod]] }),
    scenarioText: `name: evil\n${evil}\n${'x'.repeat(1_000_000)}`,
  };
  const failed = result(['crictl', 'runp', evil], { exitCode: 1, stderr: `${evil}${'x'.repeat(1_000_000)}` });
  const log = `time="2026-01-01T00:00:00.1Z" level=error msg=${JSON.stringify(evil)}\n${'y'.repeat(1_000_000)}\n`;
  const entries = journalOf(run, { steps: [{ seen: [ran('1-run-pod', failed)], log }] });
  return { run, entries };
}

test('hostile content is shown as text, runs nothing, and loads nothing', async () => {
  const evil = hostile();
  const events = session([evil, ...cells]);
  await using opened = await open(await reportOf('hostile', events));
  const { page, complaints } = opened;
  await page.locator('.attention a[data-run^="evil"]').first().click();
  await page.waitForSelector('#scenario');
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
  await page.locator('.bar').last().click();
  expect(await page.textContent('main')).toContain('</script><script>alert(1)</script>');
  expect(await page.textContent('main')).toContain('\\u001b]0;x\\u0007\\udcff%0A');
  expect(await page.locator('img, main script').count()).toBe(0);
  const widest = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(widest).toBeLessThanOrEqual(1200);
  expect(complaints).toEqual([]);
  expect(judge(evil.run, evil.entries).outcome).toBe('fail');
});

test('the page’s policy blocks an injected script', async () => {
  await using opened = await open(await reportOf('policy', session(cells)));
  await opened.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'alert(1)';
    document.body.append(script);
    const image = new Image();
    image.src = 'http://127.0.0.1:9/x.png';
    document.body.append(image);
  });
  const printed = opened.complaints.join('\n');
  expect(printed).toMatch(/Executing inline script violates/);
  expect(printed).toMatch(/Loading the image 'http:\/\/127.0.0.1:9\/x.png' violates/);
  expect(printed).not.toMatch(/dialog/);
});

test.for(['light', 'dark'] as const)('axe finds no problem, in the %s theme', async (colorScheme) => {
  const [first, second] = cells.map(({ run }) => run.slug);
  await using opened = await open(await reportOf('axe', session(cells)), { colorScheme });
  const { page } = opened;
  await page.evaluate(axe.source);
  for (const hash of ['#/', `#/run/${first}`, `#/compare/${first}/${second}`, '#/versions/1/2']) {
    await page.evaluate((next) => void (location.hash = next), hash);
    await page.waitForFunction(() => document.querySelector('[role="status"]')?.textContent !== 'Reading…');
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
    const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [hash, id, nodes.map(({ html }) => html)])).toEqual([]);
  }
});

test('two versions can be compared: what only one of them did is shown', async () => {
  await using opened = await open(await reportOf('versions', session(cells)));
  const { page } = opened;
  await page.locator('#version-before').selectOption('1.6.3');
  await page.locator('#version-after').selectOption('1.6.4');
  await page.getByRole('link', { name: 'Compare' }).click();
  await page.waitForSelector('.sides');
  expect(await page.textContent('h1')).toBe('What changed between 1.6.3 and 1.6.4');
  const texts = await page.locator('.sides td').allInnerTexts();
  expect(texts.join('\n')).toContain('name "wed" is reserved');
  expect(texts.join('\n')).toContain('name "web" is reserved');
});

test('a truncated report says so', async () => {
  const url = await reportOf('cut', session(cells));
  const path = new URL(url);
  const whole = readFileSync(path, 'utf8');
  const [head, rest] = whole.split(/(?=<script type="application\/octet-stream;base64" id="index">)/);
  writeFileSync(path, (head ?? '') + (rest ?? '').slice((rest ?? '').indexOf('<noscript>')));
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  expect(await page.getByRole('alert').textContent()).toContain('This report is not complete');
  await context.close();
});

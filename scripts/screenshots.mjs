/* global document */
// `node scripts/screenshots.mjs`: creates docs/images/ with the terminal and the HTML report of four real sessions on
// bare nodes, in light and dark mode. Needs root, as all runs do.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withScript } from './typescript.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const images = here('../docs/images');
const cwd = mkdtempSync(join(tmpdir(), 'cnilab-screenshots-'));
const MOST_BYTES = 150_000;
const COLUMNS = 100;

const readme = readFileSync(here('../README.md'), 'utf8');
const ourIssue = /Save this as `our-issue\.yaml`[\s\S]*?```yaml\n([\s\S]*?)```/.exec(readme)[1];
/** A control without its `control` key, so that it is shown as an ordinary run that does not pass. */
const blind = readFileSync(here('../scenarios/controls/probe-that-cannot-look.yaml'), 'utf8')
  .replace(/^# yaml-language-server.*\n/, '')
  .replace(/^control:\n(?: .*\n)+/m, '')
  .replace('name: probe-that-cannot-look', 'name: runtime-that-is-gone');
const sixty = `name: versions-of-a-config
summary: Which plugins and which version of a configuration work with which containerd
matrix:
  config: [0.3.1, 0.4.0, 1.0.0]
  cni-plugins: [0.9.1, 1.1.1]
  containerd: [1.5.13, 1.6.0, 1.6.1, 1.6.2, 1.6.3, 1.6.4, 1.6.8, 'debian:1.6.20', 1.7.24, 2.4.2]
node:
  containerd: \${matrix.containerd}
  cni-plugins: \${matrix.cni-plugins}
  record: true
  cni-config:
    10-net.conflist:
      cniVersion: \${matrix.config}
      name: net
      plugins: [{ type: bridge, bridge: cni0, isGateway: true, ipam: { type: host-local, subnet: 10.88.0.0/16 } }]
steps:
  - run-pod: web
  - stop-pod: web
  - remove-pod: web
expect: { left-behind: none, pods: none }
`;

/** The name of a directory, the scenario, more flags, and the run that is shown on the page of a single run. */
const SESSIONS = [
  { name: 'passing', args: ['loopback-too-old', '--containerd', '1.6.4', '--record'], isOneRun: true },
  { name: 'failing', scenario: ['our-issue.yaml', ourIssue], args: ['--record'], isOneRun: true },
  { name: 'inconclusive', scenario: ['runtime-that-is-gone.yaml', blind], args: [], isOneRun: true },
  { name: 'matrix', scenario: ['versions-of-a-config.yaml', sixty], args: [], isOneRun: false },
];

/** Runs a real session. Returns its output on a terminal of 100 columns, and the path of its report. */
function record({ name, scenario, args }) {
  const file = `${name}.html`;
  if (scenario !== undefined) writeFileSync(join(cwd, scenario[0]), scenario[1]);
  const argv = [
    ...[here('../bin/cnilab.cjs'), 'run', ...(scenario === undefined ? [] : [scenario[0]]), ...args],
    ...['--backend', 'bare', '--reporter', `html=${file}`, '--reporter', 'terminal'],
  ];
  // `script` provides the terminal; the arguments are in the environment, so that no shell reads them
  const command = `stty cols ${COLUMNS} rows 50; exec "$NODE" ${argv.map((_, at) => `"$ARG${at}"`).join(' ')}`;
  const { status, stdout, stderr } = spawnSync('script', ['-qec', command, '/dev/null'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...{ ...process.env, FORCE_COLOR: '1', NO_COLOR: '', NODE: process.execPath },
      ...Object.fromEntries(argv.map((arg, at) => [`ARG${at}`, arg])),
    },
  });
  if (![0, 1, 69].includes(status)) throw new Error(`${name}: exit ${status}: ${stderr}${stdout}`);
  return { output: withoutStatus(stdout), url: pathToFileURL(join(cwd, file)).href };
}

/** What stays on the screen. The status line has no end of line, and is removed before anything else is written. */
const withoutStatus = (text) =>
  text
    .replaceAll('\r\n', '\n')
    .split('\r\u001b[2K')
    .filter((part, at) => at === 0 || part.includes('\n'))
    .join('');

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The output of a terminal as a page. Colour codes become classes. */
function terminalPage(output, scheme) {
  const [first, ...colored] = output.split('\u001b[');
  const body = colored.map((part) => {
    const [, codes, text] = /^([\d;]*)m([\s\S]*)$/.exec(part);
    const isEnd = /^(?:0?|22|39)$/.test(codes);
    return `${isEnd ? '</span>' : `<span class="c${codes}">`}${escape(text)}`;
  });
  const [back, text, red, green, yellow] =
    scheme === 'dark'
      ? ['#16181d', '#e4e7eb', '#ff8f8f', '#7ee2a0', '#f5c26b']
      : ['#ffffff', '#1b1f24', '#a40e26', '#116329', '#7a4100'];
  return `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 1px 0; background: ${back}; color: ${text}; width: max-content; }
pre { margin: 14px 18px; font: 13px/1.45 'DejaVu Sans Mono', monospace; max-width: ${COLUMNS}ch; white-space: pre-wrap; word-break: break-all; }
.c31 { color: ${red}; } .c32 { color: ${green}; } .c33 { color: ${yellow}; } .c1 { font-weight: bold; } .c2 { opacity: 0.65; }
</style><pre>${escape(first)}${body.join('')}</pre>`;
}

async function photograph(page, { name, clip }) {
  const path = join(images, `${name}.png`);
  await page.screenshot({ path, clip, fullPage: true });
  const { size } = statSync(path);
  console.log(`${name}.png  ${(size / 1024).toFixed(0)} KiB`);
  if (size > MOST_BYTES) throw new Error(`${name}.png is larger than ${MOST_BYTES} bytes`);
}

try {
  mkdirSync(images, { recursive: true });
  const recorded = SESSIONS.map((session) => ({ ...session, ...record(session) }));
  const browser = await withScript('../test/rig/browser.ts', ({ startBrowser }) => startBrowser());
  try {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width: 1120, height: 860 }, colorScheme });
      const page = await context.newPage();
      for (const { name, output, url, isOneRun } of recorded) {
        await page.goto(url);
        await page.waitForSelector('.matrix td a');
        if (isOneRun) {
          await page.evaluate(() => document.querySelector('.matrix .is-fail, .matrix td a').click());
          await page.waitForSelector('#timeline');
        }
        await page.waitForFunction(() => document.fonts.status === 'loaded');
        await photograph(page, {
          name: `html-${name}-${colorScheme}`,
          clip: { x: 0, y: 0, width: 1120, height: 860 },
        });
        await page.goto('about:blank'); // the content security policy of the report does not apply there
        await page.setContent(terminalPage(output, colorScheme));
        const box = await page.evaluate(() => ({
          width: document.body.scrollWidth,
          height: Math.ceil(document.body.getBoundingClientRect().height),
        }));
        const height = Math.min(860, box.height);
        // the end is what a user sees on the terminal after a run
        const clip = { x: 0, y: box.height - height, width: Math.min(1120, box.width), height };
        await photograph(page, { name: `terminal-${name}-${colorScheme}`, clip });
      }
      await context.close();
    }
  } finally {
    await browser.close();
  }
} finally {
  rmSync(cwd, { recursive: true, force: true });
}

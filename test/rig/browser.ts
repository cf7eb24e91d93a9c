import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { chromium, type Browser } from 'playwright-core';

import { treeWithMissing } from './engine-packages.ts';

/**
 * A real headless Chromium: the one on the PATH, or Debian's, unpacked into the lab's cache. Nothing is installed.
 * Its sandbox does not work for root, and the pages are our own.
 */
export async function startBrowser(): Promise<Browser & AsyncDisposable> {
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  if (spawnSync('chromium', ['--version']).status === 0) {
    const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
    return disposable(await chromium.launch({ executablePath, args }));
  }
  const tree = await treeWithMissing('chromium');
  const folder = mkdtempSync(join(tmpdir(), 'cnilab-browser-'));
  const fonts = join(folder, 'fonts.conf');
  const families = {
    sans: 'DejaVu Sans',
    'sans-serif': 'DejaVu Sans',
    'system-ui': 'DejaVu Sans',
    monospace: 'DejaVu Sans Mono',
  };
  const aliases = Object.entries(families).map(
    ([name, family]) => `<alias><family>${name}</family><prefer><family>${family}</family></prefer></alias>`,
  );
  const fallback =
    '<match><edit name="family" mode="append_last"><string>DejaVu Sans</string></edit></match>';
  const folders = [`${tree}/usr/share/fonts`, '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`);
  writeFileSync(
    fonts,
    `<fontconfig>${folders.join('')}<cachedir>${folder}</cachedir>${aliases.join('')}${fallback}</fontconfig>`,
  );
  const libraries = new Set(
    readdirSync(tree, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.so(?:\.|$)/.test(file) && !file.startsWith('usr/lib/chromium/'))
      .map((file) => join(tree, dirname(file))),
  );
  const browser = await chromium.launch({
    executablePath: join(tree, 'usr/lib/chromium/chromium'),
    args,
    env: { ...definedEnv(), LD_LIBRARY_PATH: [...libraries].join(':'), FONTCONFIG_FILE: fonts },
  });
  browser.on('disconnected', () => rmSync(folder, { recursive: true, force: true }));
  return disposable(browser);
}

const definedEnv = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

const disposable = (browser: Browser): Browser & AsyncDisposable =>
  Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });

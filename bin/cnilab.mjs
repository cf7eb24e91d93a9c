#!/usr/bin/env node
// The command. In a checkout it bundles lab/ first when a source is newer than the bundle, so nobody runs old code.
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCached } from './code-cache.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    newest = Math.max(newest, entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs);
  }
  return newest;
}

const bundlePath = `${root}dist/cnilab.cjs`;
const sources = statSync(`${root}lab`, { throwIfNoEntry: false });
const bundled = statSync(bundlePath, { throwIfNoEntry: false });
if (sources && (!bundled || bundled.mtimeMs < newestMs(`${root}lab`))) {
  await (await import('../scripts/bundle.mjs')).bundle();
}
runCached(bundlePath, { keep: process.argv[2] === 'run' });

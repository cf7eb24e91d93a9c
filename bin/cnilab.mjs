#!/usr/bin/env node
// The command. In a checkout it bundles lab/ first when a source is newer than the bundle, so nobody runs old code.
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    newest = Math.max(newest, entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs);
  }
  return newest;
}

const sources = statSync(`${root}lab`, { throwIfNoEntry: false });
const bundled = statSync(`${root}dist/cnilab.mjs`, { throwIfNoEntry: false });
if (sources && (!bundled || bundled.mtimeMs < newestMs(`${root}lab`))) {
  await (await import('../scripts/bundle.mjs')).bundle();
}
await import('../dist/cnilab.mjs');

#!/usr/bin/env node
// The command. In a checkout it first bundles lab/ if a source is newer than the bundle, so that nobody runs old code.
// It is a script and not a module, because loading modules takes Node 20 about 15 ms more at every start.
const { readdirSync, statSync } = require('node:fs');
const { dirname } = require('node:path');
const { runCached } = require('./code-cache.cjs');

const root = dirname(__dirname);

function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    newest = Math.max(newest, entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs);
  }
  return newest;
}

const bundlePath = `${root}/dist/cnilab.cjs`;
const run = () => runCached(bundlePath, { keep: process.argv[2] === 'run' });
const sources = statSync(`${root}/lab`, { throwIfNoEntry: false });
const bundled = statSync(bundlePath, { throwIfNoEntry: false });
const newestSourceMs = () => Math.max(newestMs(`${root}/lab`), statSync(`${root}/images/pins.yaml`).mtimeMs);
if (sources && (!bundled || bundled.mtimeMs < newestSourceMs())) {
  void import('../scripts/bundle.mjs').then(({ bundle }) => bundle()).then(run);
} else {
  run();
}

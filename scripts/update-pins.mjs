#!/usr/bin/env node
// node scripts/update-pins.mjs [--mirror URL] [--gomod] [COMPONENT VERSION]…
// Adds releases to images/pins.yaml: those named, or all that have come out since. With --gomod, instead, builds the
// versions pinned for gomod whose dependencies images/gomod/ does not hold yet, and holds them.
import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(`${root}node_modules/.update-pins-`);
try {
  // Node 20 does not run TypeScript.
  const outfile = `${folder}/update-pins.mjs`;
  await build({
    entryPoints: [`${root}scripts/update-pins.ts`],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  await (await import(outfile)).main({ root, argv: process.argv.slice(2), env: process.env });
} catch (thrown) {
  console.error(`update-pins: ${thrown instanceof Error ? thrown.message : thrown}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

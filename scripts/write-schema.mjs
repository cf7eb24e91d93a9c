#!/usr/bin/env node
// node scripts/write-schema.mjs
// Writes scenarios/schema.json, which editors use, from the shapes that read scenario files (lab/spec/).
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(`${root}node_modules/.write-schema-`);
try {
  // Node 20 does not run TypeScript.
  const outfile = `${folder}/schema.mjs`;
  const contents = `export { formatScenarioSchema } from './lab/spec/scenario-shape.ts';
    export { CHECKS } from './lab/judge/verdict.ts';`;
  await build({
    stdin: { contents, resolveDir: root },
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  const { formatScenarioSchema, CHECKS } = await import(outfile);
  await writeFile(`${root}scenarios/schema.json`, formatScenarioSchema({ checks: CHECKS }));
} finally {
  await rm(folder, { recursive: true, force: true });
}

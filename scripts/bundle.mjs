// Bundles lab/ into one file, dist/cnilab.cjs. Node 20 does not run TypeScript, and one file starts faster than two
// hundred. The code of a worker thread is a separate file. There are no source maps: names are kept, and a comment
// before each part of the bundle has the name of its file.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;

/**
 * Bundles lab/main.ts. Does nothing in an installed package, which contains dist/ but not lab/. Returns the bundled
 * files.
 */
export async function bundle() {
  if (!existsSync(`${root}lab/main.ts`)) return { inputs: [] };
  const { build } = await import('esbuild');
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      'reaper-thread': 'lab/nodes/backends/container/reaper-thread.ts',
      cnilab: 'lab/main.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    write: false,
    bundle: true,
    platform: 'node',
    // found in node_modules, and only loaded when a container engine is used
    external: ['dockerode', 'testcontainers'],
    // a script: modules have no code cache on Node 20
    format: 'cjs',
    // replaced by require(): code from a code cache cannot use import()
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    target: 'node20',
    metafile: true,
    logLevel: 'warning',
  });
  const page = await bundlePage(build);
  const files = [
    ...outputFiles,
    ...page.outputFiles,
    { path: `${dist}/pins.json`, text: await pinsAsJson() },
  ];
  // by rename, because another lab may start at this moment
  mkdirSync(dist, { recursive: true });
  for (const { path, text } of files) {
    const halfway = `${path}.${process.pid}.new`;
    writeFileSync(halfway, ascii(text));
    renameSync(halfway, path);
  }
  return { inputs: [...Object.keys(metafile.inputs), ...Object.keys(page.metafile.inputs)] };
}

/** The code of the HTML report: dist/html-report.js and dist/html-report.css, which the lab writes into each report. */
const bundlePage = (build) =>
  build({
    absWorkingDir: root,
    entryPoints: {
      'html-report': 'lab/report/html/client/main.tsx',
      'html-report-style': 'lab/report/html/client/style.css',
    },
    outdir: 'dist',
    write: false,
    bundle: true,
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    format: 'iife',
    target: 'es2023',
    metafile: true,
    logLevel: 'warning',
  });

/**
 * images/pins.yaml as JSON, with the hash of the text that it was made from. readPins in lab/ only uses it for that
 * text.
 */
export async function pinsAsJson() {
  const { parse } = await import('yaml');
  const text = readFileSync(`${root}images/pins.yaml`, 'utf8');
  const madeFromSha256 = createHash('sha256').update(text).digest('hex');
  return JSON.stringify({ madeFromSha256, pins: parse(text, { schema: 'failsafe' }) });
}

/** Pure ASCII is read much faster. esbuild has escaped everything except comments. */
const ascii = (code) => code.replace(/[^\p{ASCII}]/gu, '?');

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();

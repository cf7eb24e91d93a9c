// One file, dist/cnilab.mjs, from lab/: Node 20 does not run TypeScript, and one file starts faster than two hundred.
// No source maps: names are kept, and each part of the bundle is headed by the file that it came from.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles lab/main.ts; a no-op in an installed package, which carries dist/ and no lab/. Returns what went in. */
export async function bundle() {
  if (!existsSync(`${root}lab/main.ts`)) return { inputs: [], outputs: [] };
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { cnilab: 'lab/main.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    metafile: true,
    logLevel: 'warning',
    // CommonJS dependencies call require() for Node's own modules.
    banner: {
      js: "import { createRequire as labCreateRequire } from 'node:module'; const require = labCreateRequire(import.meta.url);",
    },
  });
  return { inputs: Object.keys(metafile.inputs), outputs: Object.keys(metafile.outputs) };
}

/** Removes the chunks of older bundles. Not after each bundle: a lab that is running loads its chunks when it needs them. */
function prune(outputs) {
  if (outputs.length === 0) return;
  const current = new Set(outputs.map((path) => basename(path)));
  for (const name of readdirSync(`${root}dist/chunks`))
    if (!current.has(name)) rmSync(`${root}dist/chunks/${name}`);
  rmSync(`${root}dist/cnilab.mjs.map`, { force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prune((await bundle()).outputs);

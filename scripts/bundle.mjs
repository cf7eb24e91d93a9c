// One file, dist/cnilab.mjs, from lab/: Node 20 does not run TypeScript, and one file starts faster than two hundred.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles lab/main.ts; a no-op in an installed package, which carries dist/ and no lab/. */
export async function bundle() {
  if (!existsSync(`${root}lab/main.ts`)) return;
  const { build } = await import('esbuild');
  await build({
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
    sourcemap: true,
    logLevel: 'warning',
    // CommonJS dependencies call require() for Node's own modules.
    banner: {
      js: "import { createRequire as labCreateRequire } from 'node:module'; const require = labCreateRequire(import.meta.url);",
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();

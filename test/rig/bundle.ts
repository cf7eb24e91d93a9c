import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

/**
 * Bundles a program that uses lab/, so that a test can start it as a process: Node 20 does not run TypeScript.
 * Returns its path.
 */
export async function bundleOf(folder: string, source: string): Promise<string> {
  const outfile = join(folder, 'program.mjs');
  await build({
    stdin: { contents: source, loader: 'ts', resolveDir: root },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'dist/program.mjs')).href) },
    loader: { '.node': 'empty' }, // optional for ssh2
    banner: {
      js: "import { createRequire as labCreateRequire } from 'node:module'; const require = labCreateRequire(import.meta.url); const __dirname = '.';",
    },
  });
  return outfile;
}

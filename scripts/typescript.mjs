// Runs scripts in TypeScript, which Node 20 does not support. They are bundled into dist/, from which they find the
// package in the same way as lab/.
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Passes the exports of a script, named from this directory, to `use`. */
export async function withScript(name, use) {
  const outfile = `${root}dist/script-${process.pid}-${basename(name, '.ts')}.mjs`;
  try {
    await build({
      entryPoints: [`${root}scripts/${name}`],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
    });
    return await use(await import(outfile));
  } finally {
    await rm(outfile, { force: true });
  }
}

// Builds what the package contains for imports: dist/index.mjs and dist/vitest.mjs with their shared code, bundled like
// the command, and their types in dist/types/.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;
const ENTRIES = ['index', 'vitest'];

/** Returns the files in the bundles. */
export async function bundleLibrary() {
  removeOld();
  const { dependencies = {} } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES.map((name) => `lab/${name}.ts`),
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // so that both use the same StepFailed, and a test does not load what it does not need
    splitting: true,
    platform: 'node',
    format: 'esm',
    external: [...Object.keys(dependencies), 'vitest'],
    // for bundled packages that are not modules
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    target: 'node20',
    metafile: true,
    logLevel: 'warning',
  });
  writeTypes();
  return { inputs: Object.keys(metafile.inputs) };
}

function removeOld() {
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(dist)) if (name.endsWith('.mjs')) rmSync(`${dist}/${name}`);
  rmSync(`${dist}/types`, { recursive: true, force: true });
}

/** Writes those declarations of lab/ that the entries use, with the file extensions that a package needs. */
function writeTypes() {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => readFileSync(path, 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    ENTRIES.map((name) => `${root}lab/${name}.ts`),
    {
      ...options,
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      stripInternal: true,
      rootDir: `${root}lab`,
      outDir: '/',
    },
  );
  const waiting = ENTRIES.map((name) => `${name}.d.ts`);
  for (const path of waiting) {
    const source = program.getSourceFile(`${root}lab/${path.replace(/\.d\.ts$/, '.ts')}`);
    let text;
    if (source !== undefined) program.emit(source, (_, emitted) => (text = emitted), undefined, true);
    if (text === undefined) throw new Error(`tsc made no ${path}`);
    for (const [, , imported] of text.matchAll(RELATIVE_IMPORT)) {
      const next = posix.join(dirname(path), imported.replace(/\.ts$/, '.d.ts'));
      if (!waiting.includes(next)) waiting.push(next);
    }
    const target = `${dist}/types/${path}`;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(
      target,
      text.replaceAll(RELATIVE_IMPORT, (whole) => whole.replace(/\.ts(['"])$/, '.js$1')),
    );
  }
}

/** Types that tsc writes out where they are used are in double quotes. */
const RELATIVE_IMPORT = /(?<=(?:\bfrom|\bimport)\s*\(?\s*)(['"])(\.[^'"]+\.ts)\1/g;

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import { nearest } from '../spec/diagnostic.ts';

/** A scenario file and its bytes. `file` is relative to the working directory, as a user would type it. */
export interface ScenarioFile {
  readonly file: string;
  readonly hostPath: string;
  readonly bytes: Uint8Array;
}

export interface FindOptions {
  readonly cwd: string;
  readonly packageHostPath: string;
}

/**
 * The files for the given names. A name can be a file, a folder (everything below it), a glob, or the name of a
 * scenario or folder in ./scenarios or in the package. Without names it is all scenarios; those of the user hide those
 * of the package with the same name. Throws BadInput, with similar names, for a name that matches nothing.
 */
export async function findScenarios(
  names: readonly string[],
  { cwd, packageHostPath }: FindOptions,
): Promise<readonly ScenarioFile[]> {
  const roots = [...new Set([join(cwd, 'scenarios'), join(packageHostPath, 'scenarios')])].filter((root) =>
    existsSync(root),
  );
  const known = withoutHidden(roots.map((root) => ({ root, files: yamlFilesBelow(root) })));
  const found: string[] = [];
  for (const name of names) {
    const paths = await filesFor(name, { cwd, roots, known });
    if (paths.length === 0) throw new BadInput(nothingFor(name, { cwd, known }));
    found.push(...paths);
  }
  const paths = [...new Set(names.length === 0 ? known : found)];
  return paths.map((hostPath) => {
    const file = relative(cwd, hostPath);
    return {
      file: file.startsWith('../..') ? hostPath : file,
      hostPath,
      bytes: readFileSync(hostPath),
    };
  });
}

async function filesFor(
  name: string,
  { cwd, roots, known }: { cwd: string; roots: readonly string[]; known: readonly string[] },
): Promise<readonly string[]> {
  const path = resolve(cwd, name);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true) return [path];
  if (stat?.isDirectory() === true) return yamlFilesBelow(path);
  if (/[*?[{]/.test(name)) {
    const { default: picomatch } = await import('picomatch');
    const matches = picomatch(path);
    return [...new Set([...known, ...yamlFilesBelow(resolve(cwd, picomatch.scan(name).base))])].filter(
      (file) => matches(file),
    );
  }
  const file = known.find(
    (known) => scenarioName(known) === name || known.endsWith(`/${name}`) || known.endsWith(`/${name}.yaml`),
  );
  if (file !== undefined) return [file];
  const folders = roots.map((root) => join(root, name)).filter((folder) => existsSync(folder));
  return folders.slice(0, 1).flatMap(yamlFilesBelow);
}

/**
 * Every scenario file below a folder, in a stable order. `*.inc.yaml` files are fragments that scenarios include, so
 * they are left out.
 */
function yamlFilesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(?<!\.inc)\.ya?ml$/.test(path) && !path.includes('node_modules'))
    .map((path) => join(folder, path))
    .sort();
}

/** Removes scenarios of the package with the same file name as a scenario of the user. */
function withoutHidden(
  roots: readonly { readonly root: string; readonly files: readonly string[] }[],
): readonly string[] {
  const files = new Map<string, string>();
  for (const { root, files: below } of roots) {
    for (const file of below) {
      const path = relative(root, file);
      if (!files.has(path)) files.set(path, file);
    }
  }
  return [...files.values()];
}

function nothingFor(name: string, { cwd, known }: { cwd: string; known: readonly string[] }): string {
  const path = resolve(cwd, name);
  if (existsSync(path)) return `there is no scenario in ${path}: no file below it ends in .yaml or .yml`;
  const isPath = name.includes('/') || /\.ya?ml$/.test(name);
  const what = isPath
    ? `there is no file or folder ${path}, and no scenario of that name`
    : `no scenario is called ${JSON.stringify(name)}`;
  return `${what}; ${suggestion(scenarioName(name), known)}`;
}

const scenarioName = (path: string): string => basename(path).replace(/\.ya?ml$/, '');

function suggestion(name: string, known: readonly string[]): string {
  const names = [...new Set(known.map(scenarioName))];
  const containing = names.filter((other) => name !== '' && other.includes(name));
  const near = (containing.length > 0 ? containing : nearest(name, names)).map((one) => JSON.stringify(one));
  const all = '`cnilab list` shows all of them';
  if (near.length === 0) return all;
  const named = near.slice(0, MOST_NAMED);
  const more = near.length - named.length;
  const last = more > 0 ? `one of ${more} more` : named.pop();
  return `did you mean ${named.length === 0 ? '' : `${named.join(', ')} or `}${last}? ${all}`;
}

/** So many names that may be meant are in a message. */
const MOST_NAMED = 5;

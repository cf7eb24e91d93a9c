import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import { didYouMean } from '../spec/did-you-mean.ts';

/** A scenario file and its text; `file` is as a user would type it from the working folder. */
export interface ScenarioFile {
  readonly file: string;
  readonly hostPath: string;
  readonly text: string;
}

export interface FindOptions {
  readonly cwd: string;
  readonly packageHostPath: string;
}

/**
 * The files that names stand for: a file, a folder (all below it), a glob, or the name of a scenario in ./scenarios or
 * in the package. No names: all of them. Throws BadInput for a name that stands for nothing, with the nearest ones.
 */
export async function findScenarios(
  names: readonly string[],
  { cwd, packageHostPath }: FindOptions,
): Promise<readonly ScenarioFile[]> {
  const roots = [...new Set([join(cwd, 'scenarios'), join(packageHostPath, 'scenarios')])].filter((root) =>
    existsSync(root),
  );
  const known = roots.flatMap(yamlFilesBelow);
  const found: string[] = [];
  for (const name of names) {
    const paths = await filesFor(name, { cwd, known });
    if (paths.length === 0)
      throw new BadInput(`no scenario is called ${JSON.stringify(name)}; ${suggestion(name, known)}`);
    found.push(...paths);
  }
  const paths = [...new Set(names.length === 0 ? known : found)];
  return paths.map((hostPath) => {
    const file = relative(cwd, hostPath);
    return {
      file: file.startsWith('../..') ? hostPath : file,
      hostPath,
      text: readFileSync(hostPath, 'utf8'),
    };
  });
}

async function filesFor(
  name: string,
  { cwd, known }: { cwd: string; known: readonly string[] },
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
  return known
    .filter(
      (file) => scenarioName(file) === name || file.endsWith(`/${name}`) || file.endsWith(`/${name}.yaml`),
    )
    .slice(0, 1);
}

/** Every scenario file below a folder, in a stable order. */
function yamlFilesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.ya?ml$/.test(path) && !path.includes('node_modules'))
    .map((path) => join(folder, path))
    .sort();
}

const scenarioName = (path: string): string => basename(path).replace(/\.ya?ml$/, '');

function suggestion(name: string, known: readonly string[]): string {
  const names = [...new Set(known.map(scenarioName))];
  const near = names.filter((other) => other.includes(name));
  if (near.length > 0) return `did you mean ${near.join(' or ')}?`;
  return didYouMean(name, names).replace(/^; /, '') || `there are: ${names.join(', ')}`;
}

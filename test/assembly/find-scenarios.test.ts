import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { findScenarios } from '../../lab/assembly/find-scenarios.ts';
import { ROOT } from '../rig/cnilab.ts';

const world = { cwd: ROOT, packageHostPath: ROOT };
const filesOf = async (...names: string[]): Promise<readonly string[]> =>
  (await findScenarios(names, world)).map(({ file }) => file);
const below = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => `${folder}/${file}`)
    .sort();

test('without names every scenario is found, including those in sub-folders', async () => {
  const all = await filesOf();
  expect([...all].sort()).toEqual(below('scenarios'));
  expect(all).toContain('scenarios/missing-version.yaml');
  expect(all).toContain('scenarios/controls/pod-state.yaml');
  expect(all).toContain('scenarios/field/result-without-version.yaml');
});

test('a scenario in a sub-folder is found by its name, by the folder and by a glob', async () => {
  const file = 'scenarios/field/result-without-version.yaml';
  expect(await filesOf('result-without-version')).toEqual([file]);
  expect(await filesOf('field/result-without-version')).toEqual([file]);
  expect(await filesOf('scenarios/*/result-without-*.yaml')).toEqual([file]);
  expect(await filesOf('field')).toEqual(below('scenarios/field'));
  expect(await filesOf('scenarios/field', 'field', 'result-without-version')).toEqual(
    below('scenarios/field'),
  );
});

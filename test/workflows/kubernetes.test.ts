import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { ROOT } from '../rig/cnilab.ts';
import { refused, unknownFields, type Manifest } from '../rig/kubernetes-models.ts';
import { scratchFolder } from '../rig/scratch.ts';

const read = (path: string): Manifest => parse(readFileSync(join(ROOT, 'deploy', path), 'utf8')) as Manifest;
const folder = scratchFolder();

const files = ['shards', 'merge'].flatMap((one) =>
  readdirSync(join(ROOT, 'deploy', one)).map((file) => `${one}/${file}`),
);
const manifests = files.filter((file) => !file.endsWith('kustomization.yaml'));

describe('deploy/', () => {
  test.each(manifests)('%s is accepted by the Kubernetes API', (path) => {
    expect(refused(read(path))).toBeUndefined();
  });

  test('has no field that the API does not know', () => {
    expect(unknownFields(manifests.map(read), folder)).toEqual([]);
    const job = read('shards/job.yaml');
    const misspelled = { ...job, spec: { ...job.spec, paralelism: 4 } };
    expect(unknownFields([misspelled], folder).join('\n')).toMatch(/paralelism.*does not exist/);
    expect(refused({ ...job, spec: { ...job.spec, completions: 'four' as unknown as number } })).toContain(
      'completions must be integer',
    );
  });

  test('each file is in the kustomization of its folder', () => {
    for (const one of ['shards', 'merge']) {
      const { resources } = parse(readFileSync(join(ROOT, 'deploy', one, 'kustomization.yaml'), 'utf8')) as {
        resources: string[];
      };
      const beside = manifests.filter((file) => file.startsWith(`${one}/`));
      expect(resources.map((file) => `${one}/${file}`).sort()).toEqual([...beside].sort());
    }
  });

  test('has as many shards as pods', () => {
    const { completions, parallelism, template } = read('shards/job.yaml').spec ?? {};
    const env = template?.spec.containers[0]?.env;
    expect(env?.find(({ name }) => name === 'SHARDS')?.value).toBe(String(completions));
    expect(parallelism).toBe(completions);
  });
});

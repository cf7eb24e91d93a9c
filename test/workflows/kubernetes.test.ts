import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Job } from 'kubernetes-models/batch/v1';
import { Namespace, PersistentVolumeClaim } from 'kubernetes-models/v1';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { ROOT } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const MODELS = {
  Job: { model: Job, from: 'batch/v1' },
  Namespace: { model: Namespace, from: 'v1' },
  PersistentVolumeClaim: { model: PersistentVolumeClaim, from: 'v1' },
} as const;

interface Manifest {
  readonly kind: keyof typeof MODELS;
  readonly spec?: {
    readonly completions?: number;
    readonly parallelism?: number;
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
  };
}
interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

const read = (path: string): Manifest => parse(readFileSync(join(ROOT, 'deploy', path), 'utf8')) as Manifest;
const folder = scratchFolder();

/** What the API says of values, by the schemas that Kubernetes publishes. */
function refused(manifest: Manifest): string | undefined {
  try {
    new MODELS[manifest.kind].model(manifest as never).validate();
    return undefined;
  } catch (thrown) {
    return String(thrown);
  }
}

/** What is not a field of the API, which the API itself would leave out: the compiler knows, from the types of the same schemas. */
function unknownFields(manifests: readonly Manifest[]): readonly string[] {
  const file = join(folder, 'manifests.ts');
  const lines = manifests.map(({ kind, ...rest }, at) => {
    const { from } = MODELS[kind];
    const models = join(ROOT, 'node_modules/kubernetes-models', from, kind);
    return `import type { I${kind} as T${at} } from ${JSON.stringify(models)};\nexport const m${at}: T${at} = ${JSON.stringify({ kind, ...rest })};\n`;
  });
  writeFileSync(file, lines.join(''));
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    moduleResolution: ts.ModuleResolutionKind.Node10,
  });
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const files = ['shards', 'merge'].flatMap((one) =>
  readdirSync(join(ROOT, 'deploy', one)).map((file) => `${one}/${file}`),
);
const manifests = files.filter((file) => !file.endsWith('kustomization.yaml'));

describe('deploy/', () => {
  test.each(manifests)('%s is what the API of Kubernetes takes', (path) => {
    expect(refused(read(path))).toBeUndefined();
  });

  test('has no field that the API does not know', () => {
    expect(unknownFields(manifests.map(read))).toEqual([]);
    const job = read('shards/job.yaml');
    const misspelled = { ...job, spec: { ...job.spec, paralelism: 4 } };
    expect(unknownFields([misspelled]).join('\n')).toMatch(/paralelism.*does not exist/);
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

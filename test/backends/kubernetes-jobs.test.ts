import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

import { ROOT } from '../rig/cnilab.ts';
import { refused, unknownFields, type Manifest } from '../rig/kubernetes-models.ts';
import { scratchFolder } from '../rig/scratch.ts';

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

const folder = scratchFolder();
const runs = join(folder, 'runs');

/** Runs the command of a Job's container with its own variables, and with `env`, which overrides them. */
function runContainer(job: string, env: Readonly<Record<string, string>>) {
  const { spec } = parse(readFileSync(join(ROOT, 'deploy', job), 'utf8')) as {
    spec: { template: { spec: { containers: [Container] } } };
  };
  const [{ command, args, env: own }] = spec.template.spec.containers;
  const [program = '', ...words] = [...command, ...args];
  return spawnSync(program, words, {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      ...Object.fromEntries(own.map(({ name, value }) => [name, value])),
      PATH: `${folder}/bin:${process.env['PATH']}`,
      RUNS: runs,
      ...env,
    },
  });
}

test('pods of an Indexed Job run one shard each, and the other Job has the verdict on all of them', () => {
  mkdirSync(join(folder, 'bin'));
  mkdirSync(runs);
  symlinkSync(join(ROOT, 'bin/cnilab.cjs'), join(folder, 'bin/cnilab'));
  writeFileSync(
    join(folder, 'ours.yaml'),
    `name: ours
summary: A node that has the release of the matrix
matrix: { containerd: [1.6.3, 1.6.4] }
node: { containerd: '\${matrix.containerd}', cni-plugins: none }
steps:
  - exec: [crictl, version]
    expect: { output: { contains: 1.6.4, why: a build adds its own marks } }
`,
  );
  const shard = (index: number) =>
    runContainer('shards/job.yaml', {
      ...{ SCENARIOS: 'ours.yaml', SHARDS: '2', JOB_COMPLETION_INDEX: String(index) },
    });
  const verdicts: string[] = [];
  const first = shard(0);
  expect(first.status, first.stderr).toBe(0);
  verdicts.push(first.stdout);
  const early = runContainer('merge/job.yaml', {});
  expect([1, 69], early.stderr).toContain(early.status); // never a pass while a shard is missing
  // Kubernetes does this when it loses a pod: the same index again
  expect(shard(0).status).toBe(0);
  const second = shard(1);
  expect(second.status, second.stderr).toBe(0);
  verdicts.push(second.stdout);
  expect(verdicts.filter((text) => text.includes('1 failed'))).toHaveLength(1);
  const merged = runContainer('merge/job.yaml', {});
  expect(merged.status, merged.stdout + merged.stderr).toBe(1);
  const report = JSON.parse(readFileSync(join(runs, 'results.json'), 'utf8')) as { totals: unknown };
  expect(report.totals).toMatchObject({ pass: 1, fail: 1, inconclusive: 0 });
  expect(readdirSync(runs).sort()).toEqual([
    ...['junit.xml', 'report.html', 'results.json', 'shard-0', 'shard-1'],
  ]);
  // a wrong command line gives no verdict
  expect(
    runContainer('shards/job.yaml', { SCENARIOS: 'none.yaml', SHARDS: '2', JOB_COMPLETION_INDEX: '0' })
      .status,
  ).toBe(2);
});

const KUSTOMIZE = 'sigs.k8s.io/kustomize/kustomize/v5@v5.7.1';
const kustomized = readdirSync(join(ROOT, 'deploy')).filter((one) =>
  existsSync(join(ROOT, 'deploy', one, 'kustomization.yaml')),
);

test.each(kustomized)(
  'kustomize makes of deploy/%s what the API takes, all of it in the namespace',
  (one) => {
    const built = spawnSync('go', ['run', KUSTOMIZE, 'build', join(ROOT, 'deploy', one)], {
      encoding: 'utf8',
    });
    expect(built.status, built.stderr).toBe(0);
    const made = parseAllDocuments(built.stdout).map(
      (document) => document.toJS() as Manifest & { readonly metadata: { name: string; namespace?: string } },
    );
    const { resources } = parse(readFileSync(join(ROOT, 'deploy', one, 'kustomization.yaml'), 'utf8')) as {
      resources: readonly string[];
    };
    expect(made).toHaveLength(resources.length);
    expect(made.map(refused)).toEqual(made.map(() => undefined));
    expect(unknownFields(made, folder)).toEqual([]);
    for (const { kind, metadata } of made)
      expect(kind === 'Namespace' ? metadata.name : metadata.namespace).toBe('cnilab');
  },
);

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import Docker from 'dockerode';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import type { JsonReport } from '../../lab/report/json.ts';
import { cnilab, ROOT } from '../rig/cnilab.ts';
import { remainsOf, startEngine } from '../rig/engine.ts';
import { journalIn } from '../rig/journal.ts';
import { labImage } from '../rig/lab-image.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { artifactsIn, signal } from '../sources/rig.ts';

const SCENARIOS = ['missing-version', 'error-one-character-off'];
const WAIT_MS = 20 * 60_000;

const folder = scratchFolder();
const { cacheHostPath } = ambientWorld();

/** The artifacts of this machine are on every node, where no pod can fetch any. */
const OVERLAY = {
  '/deploy/kustomization.yaml': {
    resources: ['shards', 'volume.yaml'],
    patches: [
      {
        target: { kind: 'Job' },
        patch: stringify([
          { op: 'replace', path: '/spec/completions', value: 3 },
          { op: 'replace', path: '/spec/parallelism', value: 3 },
          { op: 'test', path: '/spec/template/spec/containers/0/env/0/name', value: 'SHARDS' },
          { op: 'replace', path: '/spec/template/spec/containers/0/env/0/value', value: '3' },
          { op: 'test', path: '/spec/template/spec/containers/0/env/1/name', value: 'SCENARIOS' },
          { op: 'replace', path: '/spec/template/spec/containers/0/env/1/value', value: SCENARIOS.join(' ') },
          {
            op: 'add',
            path: '/spec/template/spec/containers/0/env/-',
            value: { name: 'CNILAB_OFFLINE', value: '1' },
          },
          { op: 'remove', path: '/spec/template/spec/containers/0/resources' },
          { op: 'test', path: '/spec/template/spec/containers/0/volumeMounts/1/name', value: 'cache' },
          {
            op: 'replace',
            path: '/spec/template/spec/containers/0/volumeMounts/1/mountPath',
            value: '/root/.cache/cnilab/artifacts',
          },
          {
            op: 'replace',
            path: '/spec/template/spec/volumes/1',
            value: { name: 'cache', hostPath: { path: '/lab/artifacts', type: 'Directory' } },
          },
        ]),
      },
      {
        target: { kind: 'PersistentVolumeClaim' },
        patch: stringify([
          { op: 'add', path: '/spec/storageClassName', value: '' },
          { op: 'add', path: '/spec/volumeName', value: 'runs' },
        ]),
      },
    ],
  },
  '/deploy/volume.yaml': {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'runs' },
    spec: {
      accessModes: ['ReadWriteMany'],
      capacity: { storage: '10Gi' },
      hostPath: { path: '/var/lib/runs', type: 'DirectoryOrCreate' },
      storageClassName: '',
    },
  },
};

/** A cluster with this image that runs the Jobs of deploy/, as README says. */
function scenario(image: string): object {
  const deployed = [
    'shards/job',
    'shards/kustomization',
    'shards/namespace',
    'shards/volume',
    'merge/job',
    'merge/kustomization',
  ];
  const literal = (text: string) => text.replaceAll('${', () => '$${');
  const files = {
    ...Object.fromEntries(
      deployed.map((name) => [
        `/deploy/${name}.yaml`,
        literal(readFileSync(join(ROOT, `deploy/${name}.yaml`), 'utf8')),
      ]),
    ),
    ...Object.fromEntries(Object.entries(OVERLAY).map(([path, content]) => [path, stringify(content)])),
  };
  const kubectl = (...args: readonly string[]) => ({
    exec: ['kubectl', ...args],
    on: 'control-plane',
    timeout: '15m',
  });
  const inNamespace = (...args: readonly string[]) => kubectl('-n', 'cnilab', ...args);
  return {
    name: 'indexed-job',
    summary: 'Three pods of an Indexed Job run a shard each, and another Job merges them',
    cluster: {
      kubernetes: '1.24.17',
      workers: 1,
      node: { containerd: '1.6.4', 'cni-plugins': '1.1.1', images: [image], limits: { tmpfs: '8GiB' } },
    },
    steps: [
      { 'write-files': files, on: 'control-plane' },
      kubectl('apply', '-k', '/deploy'),
      inNamespace('wait', '--for=condition=complete', '--timeout=10m', 'job/cnilab-shards'),
      kubectl('apply', '-k', '/deploy/merge'),
      inNamespace('wait', '--for=condition=complete', '--timeout=5m', 'job/cnilab-merge'),
      { exec: ['cat', '/var/lib/runs/results.json'], on: 'worker-1' },
    ],
  };
}

const verdicts = ({ runs }: JsonReport) => runs.map(({ slug, outcome }) => `${slug}: ${outcome}`).sort();

test(
  'an Indexed Job on a cluster of the lab, with the image of the lab, has the verdicts of one process',
  { timeout: WAIT_MS },
  async () => {
    const { artifacts } = artifactsIn(folder, { cacheHostPath });
    const root = await artifacts.ensureOwn('node-root', signal);
    const engine = await startEngine('docker-26.1');
    let image: string;
    try {
      const docker = new Docker({ socketPath: engine.url.replace('unix://', '') });
      image = await labImage({
        docker,
        folder,
        cacheHostPath,
        rootTarHostPath: join(root.hostPath, 'root.tar'),
      });
    } finally {
      await engine[Symbol.asyncDispose]();
    }
    expect(remainsOf(engine)).toEqual([]);

    const report = join(folder, 'one.json');
    const one = await cnilab([
      'run',
      ...SCENARIOS,
      '--output',
      join(folder, 'one'),
      '--reporter',
      `json=${report}`,
    ]);
    expect(one.exitCode, one.stdout).toBe(0);
    const expected = JSON.parse(readFileSync(report, 'utf8')) as JsonReport;

    const file = join(folder, 'indexed-job.yaml');
    const output = join(folder, 'cluster');
    writeFileSync(file, stringify(scenario(image)));
    const { exitCode, stdout } = await cnilab(['run', file, '--output', output]);
    expect(stdout).toMatch(/^1 passed in /m);
    expect(exitCode).toBe(0);
    const printed = journalIn(output).findLast(({ kind }) => kind === 'command')?.['result'] as {
      stdout: string;
    };
    const merged = JSON.parse(printed.stdout) as JsonReport;
    expect(verdicts(merged)).toEqual(verdicts(expected));
    expect([
      merged.outcome,
      new Set(merged.runs.map(({ outputHostPath }) => outputHostPath?.split('/')[2])).size,
    ]).toEqual([expected.outcome, 3]);
  },
);

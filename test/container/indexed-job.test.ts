import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import { createCache } from '../../lab/artifacts/cache/cache.ts';
import { imageArchiveRecipe } from '../../lab/artifacts/own/images.ts';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import type { JsonReport } from '../../lab/report/json.ts';
import { cnilab, ROOT } from '../rig/cnilab.ts';
import { dockerClient, remainsOf, startEngine } from '../rig/engine.ts';
import { journalIn } from '../rig/journal.ts';
import { packPackage } from '../rig/packed-package.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { HOUR_MS } from '../rig/until.ts';

const SHARDS = 3;
const VERSIONS = ['--set', 'containerd=1.6.3,1.6.4'];
const OURS = `name: ours
summary: A node that has the release of the matrix, which is not always the wanted one
matrix: { containerd: [1.6.3, 1.6.4] }
node: { containerd: '\${matrix.containerd}', cni-plugins: none }
steps:
  - exec: [crictl, version]
    expect: { output: { contains: 1.6.4, why: a build adds its own marks } }
`;

const folder = scratchFolder();
const world = ambientWorld();
const cache = createCache({ cacheHostPath: world.cacheHostPath, env: world.env });
const archive = join(folder, 'cnilab.tar');
/** the report of one process on this machine, and all that its runs were made of */
let onHost: JsonReport;

beforeAll(async () => {
  writeFileSync(join(folder, 'ours.yaml'), OURS);
  expect((await cnilab(['fetch', 'kubernetes'])).exitCode).toBe(0);
  const json = join(folder, 'host.json');
  const args = ['run', 'missing-version', join(folder, 'ours.yaml'), ...VERSIONS];
  await cnilab([...args, '--output', join(folder, 'host'), '--reporter', `json=${json}`]);
  onHost = JSON.parse(readFileSync(json, 'utf8')) as JsonReport;
  expect(onHost.totals).toMatchObject({ pass: 3, fail: 1, inconclusive: 0 });
  await buildImage();
}, HOUR_MS);
afterAll(() => cache.discard(imageArchiveRecipe(archive).request));

/** The image of images/lab with all that the runs need, as an archive. No registry and no network are needed. */
async function buildImage(): Promise<void> {
  await using engine = await startEngine('docker-26.1');
  const env = {
    ...process.env,
    PATH: `${await dockerClient()}:${process.env['PATH']}`,
    DOCKER_HOST: engine.url,
    DOCKER_CONFIG: folder,
    DOCKER_BUILDKIT: '0', // the builder that this older client always has
  };
  const docker = (...args: readonly string[]) => execFileSync('docker', args, { env, encoding: 'utf8' });
  const context = join(folder, 'image');
  mkdirSync(context);
  cpSync(join(ROOT, 'images/lab/Dockerfile'), join(context, 'Dockerfile'));
  const { tarballHostPath } = packPackage();
  cpSync(tarballHostPath, join(context, 'cnilab-packed.tgz'));
  docker('import', '--change', 'ENV HOME=/root', await packBase(tarballHostPath), 'base');
  const fetch = ['missing-version', ...VERSIONS, '--offline'].join(' ');
  const buildArgs = ['BASE=base', `FETCH=${fetch}`].flatMap((arg) => ['--build-arg', arg]);
  docker('build', '--network', 'none', ...buildArgs, '--tag', 'cnilab', context);
  docker('save', '--output', archive, 'cnilab');
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
}

/** In place of the official base: Debian packages, this machine's Node.js and npm, and what would be downloaded. */
async function packBase(tarballHostPath: string): Promise<string> {
  const base = join(folder, 'base');
  mkdirSync(base);
  const root = await nodeRoot();
  execFileSync('tar', ['--extract', '--file', join(root.hostPath, 'root.tar'), '--directory', base]);

  const local = join(base, 'usr/local');
  for (const name of ['bin', 'lib/node_modules']) mkdirSync(join(local, name), { recursive: true });
  cpSync(process.execPath, join(local, 'bin/node'));
  const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/=> (\S+)/g);
  for (const [, library = ''] of linked)
    if (!existsSync(join(base, library))) cpSync(library, join(base, library), { dereference: true });
  const npmCommand = execFileSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' });
  cpSync(dirname(dirname(npmCommand.trim())), join(local, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));

  const npm = (...args: readonly string[]) => execFileSync('npm', args, { encoding: 'utf8' });
  const home = join(base, 'root');
  const downloads = ['--cache', join(home, '.npm'), '--prefix', join(folder, 'downloads')];
  npm('install', '--silent', '--omit=optional', '--logs-max=0', ...downloads, tarballHostPath);
  writeFileSync(join(home, '.npmrc'), `offline=true\nregistry=${npm('config', 'get', 'registry')}`);
  mkdirSync(join(base, 'etc/ssl/certs'), { recursive: true });
  writeFileSync(join(base, 'etc/ssl/certs/ca-certificates.crt'), ''); // nothing there has a network

  const keys = new Set(
    journalIn(join(folder, 'host')).flatMap(({ kind, key }) => (kind === 'artifact' ? [key] : [])),
  );
  const ours = join(home, '.cache/cnilab');
  for (const name of readdirSync(join(cache.hostPath, 'index'))) {
    const entry = readFileSync(join(cache.hostPath, 'index', name), 'utf8');
    const { artifact } = JSON.parse(entry) as { artifact: Artifact };
    if (!keys.has(artifact.key) || artifact.name === 'node-tools') continue; // the package has its own
    for (const path of [`index/${name}`, `artifacts/${artifact.key}`])
      cpSync(join(cache.hostPath, path), join(ours, path), { recursive: true });
  }
  const tar = join(folder, 'base.tar');
  execFileSync('tar', ['--create', '--file', tar, '--directory', base, '.']);
  return tar;
}

const nodeRoot = (): Promise<Artifact> =>
  openArtifacts(world, { pins: readPins(world), flags: {}, emit: () => undefined }).ensureOwn(
    'node-root',
    new AbortController().signal,
  );

/** What a user of deploy/ would write: their scenario, a volume, and pods that fit on this machine. */
const OVERLAY: Readonly<Record<string, string>> = {
  'kustomization.yaml': `
namespace: cnilab
resources: [../deploy/shards, volume.yaml]
configMapGenerator: [{ name: scenarios, files: [ours.yaml] }]
patches:
  - target: { kind: Job, name: cnilab-shards }
    patch: |-
      apiVersion: batch/v1
      kind: Job
      metadata: { name: cnilab-shards }
      spec:
        completions: ${SHARDS}
        parallelism: ${SHARDS}
        template:
          spec:
            containers:
              - name: cnilab
                env:
                  - { name: SHARDS, value: '${SHARDS}' }
                  - { name: SCENARIOS, value: 'missing-version /scenarios/ours.yaml ${VERSIONS.join(' ')}' }
                resources: { requests: { cpu: 100m, memory: 512Mi } }
                volumeMounts: [{ name: scenarios, mountPath: /scenarios }]
            volumes: [{ name: scenarios, configMap: { name: scenarios } }]
`,
  'ours.yaml': OURS,
  'volume.yaml': `
apiVersion: v1
kind: PersistentVolume
metadata: { name: cnilab-runs }
spec:
  accessModes: [ReadWriteMany]
  capacity: { storage: 10Gi }
  hostPath: { path: /srv/runs, type: DirectoryOrCreate }
`,
};

/** A scenario of a cluster whose control plane has deploy/ and the overlay. */
function farm(): string {
  cpSync(join(ROOT, 'deploy'), join(folder, 'deploy'), { recursive: true });
  mkdirSync(join(folder, 'ours'));
  for (const [name, content] of Object.entries(OVERLAY)) writeFileSync(join(folder, 'ours', name), content);
  const files = ['deploy/shards', 'deploy/merge', 'ours'].flatMap((one) =>
    readdirSync(join(folder, one)).map((name) => `${one}/${name}`),
  );
  const kubectl = (...args: readonly string[]) => ({
    exec: ['kubectl', '--namespace', 'cnilab', ...args],
    on: 'control-plane',
    timeout: '10m',
    expect: { ok: true },
  });
  const ended = (job: string, condition: string) =>
    kubectl('wait', `--for=condition=${condition}`, '--timeout=9m', `job/${job}`);
  const file = join(folder, 'farm.yaml');
  const scenario = {
    name: 'farm',
    summary: 'The Jobs of deploy/ on a cluster of the lab',
    cluster: {
      kubernetes: '1.24.17',
      workers: 1,
      node: { containerd: '1.6.4', 'cni-plugins': '1.1.1' },
      nodes: {
        'control-plane': {
          files: Object.fromEntries(files.map((path) => [`/root/${path}`, { from: path }])),
        },
        'worker-1': { images: [archive], limits: { memory: '6GiB', tmpfs: '4GiB' } },
      },
    },
    steps: [
      kubectl('apply', '--kustomize', '/root/ours'),
      ended('cnilab-shards', 'complete'),
      kubectl(
        'get',
        'pods',
        '--selector=job-name=cnilab-shards',
        '--output=jsonpath={.items[*].status.phase}',
      ),
      kubectl('apply', '--kustomize', '/root/deploy/merge'),
      ended('cnilab-merge', 'failed'), // the verdict of our scenario
      kubectl('logs', 'job/cnilab-merge'),
      { exec: ['cat', '/srv/runs/results.json'], on: 'worker-1', expect: { ok: true } },
    ],
  };
  writeFileSync(file, JSON.stringify(scenario));
  return file;
}

/** What shards must not change. */
const verdictOf = ({ outcome, totals, runs }: JsonReport) => ({
  outcome,
  totals,
  runs: runs.map(({ slug, scenario, cell, outcome, findings = [] }) => ({
    ...{ slug, scenario, cell, outcome },
    findings: findings.map(({ check, stepId, outcome }) => ({ check, stepId, outcome })),
  })),
});

test('the Jobs of deploy/ on a cluster have the verdict of one process', { timeout: HOUR_MS }, async () => {
  const output = join(folder, 'farm');
  const { exitCode, stdout } = await cnilab(['run', farm(), '--output', output]);
  expect(exitCode, stdout).toBe(0);
  const printed = journalIn(output).flatMap(({ kind, result }) =>
    kind === 'command' ? [(result as { stdout: string }).stdout] : [],
  );
  const [phases, , , log, results = ''] = printed.slice(-5);
  expect(phases?.split(' ')).toEqual(Array.from({ length: SHARDS }, () => 'Succeeded'));
  expect(log).toMatch(/^3 passed, 1 failed in /m);
  const merged = JSON.parse(results) as JsonReport;
  expect(verdictOf(merged)).toEqual(verdictOf(onHost));
  const shards = new Set(merged.runs.map(({ outputHostPath }) => outputHostPath?.split('/')[2]));
  expect([...shards].sort()).toEqual(['shard-0', 'shard-1', 'shard-2']);
});

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CleanupStack } from '../../lab/core/lab-error.ts';
import { findProgram } from '../../lab/host/exec.ts';
import type { ComponentRef } from '../../lab/core/components.ts';
import type { JsonReport } from '../../lab/report/json.ts';
import type { Finished } from '../rig/cnilab.ts';
import { hostState, type HostState } from '../rig/host-state.ts';
import { installPackage, packPackage, type PackedPackage } from '../rig/packed-package.ts';
import { startReleaseServer, type ReleaseServer, type ServedRelease } from '../rig/release-server.ts';
import { settled } from '../rig/settled.ts';
import { artifactsIn, makeFolder, pathWithout, realPins, signal } from '../sources/rig.ts';

/**
 * A user who installs the package and has the official releases, but no Go and no C compiler. The programs in the
 * releases are real ones from this machine's cache, so their checksums are not the official ones. The checksums are
 * all that is changed in the installed package.
 */
const COMPILERS = ['go', 'gofmt', 'gcc', 'cc', 'c99', 'c89', 'g++', 'c++', 'cpp', 'clang', 'make'];
const REFS = [
  { component: 'containerd', version: '1.6.3' },
  { component: 'containerd', version: '1.6.4' },
  { component: 'runc', version: '1.1.15' },
  { component: 'cni-plugins', version: '0.9.1' },
  { component: 'cni-plugins', version: '1.1.1' },
  { component: 'crictl', version: '1.36.0' },
] as const satisfies readonly ComponentRef[];

const cleanup = new CleanupStack();
const folder = makeFolder();
cleanup.add('remove the folder', async () => rmSync(folder, { recursive: true }));
let packed: PackedPackage;
let packageHostPath: string;
let server: ReleaseServer;
let releases: ReadonlyMap<string, ServedRelease>;
let env: Record<string, string | undefined>;
let before: HostState;

beforeAll(async () => {
  packed = packPackage();
  packageHostPath = installPackage(folder, packed);
  const path = pathWithout(folder, COMPILERS);
  expect(COMPILERS.filter((name) => findProgram(name, path) !== undefined)).toEqual([]);
  env = { ...process.env, PATH: path, HOME: join(folder, 'home'), no_proxy: '127.0.0.1' };
  for (const name of Object.keys(env)) if (/^(CNILAB|NODE|XDG|npm)_/.test(name)) delete env[name];

  const pins = realPins();
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  server = await startReleaseServer({ folder, pins, arch });
  cleanup.add('stop the server', () => server.stop());
  const cacheHostPath = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cnilab');
  const artifact = await artifactsIn(folder, { cacheHostPath }).artifacts.ensureAll(REFS, signal);
  releases = new Map(
    REFS.map((ref) => [`${ref.component} ${ref.version}`, server.serve(ref.component, artifact(ref))]),
  );

  const pinsHostPath = join(packageHostPath, 'images/pins.yaml');
  let text = readFileSync(pinsHostPath, 'utf8');
  for (const { officialSum, sum } of releases.values()) text = text.replace(officialSum, sum);
  writeFileSync(pinsHostPath, text);
});
afterAll(() => cleanup.run());
beforeEach(() => {
  before = hostState([folder]);
});

interface Told extends Finished {
  readonly report: JsonReport | undefined;
}

/** The installed command, in this folder and with this cache. Not spawnSync, because the server is this process. */
async function cnilab(
  args: readonly string[],
  { cache, user = cache, offNetwork = false }: { cache: string; user?: string; offNetwork?: boolean },
): Promise<Told> {
  const cwd = join(folder, 'work', user);
  mkdirSync(cwd, { recursive: true });
  const reportHostPath = join(cwd, 'report.json');
  rmSync(reportHostPath, { force: true });
  const command = join(folder, 'installed/node_modules/.bin/cnilab');
  const reporting = args[0] === 'run' ? ['--reporter', 'terminal', '--reporter', 'json=report.json'] : [];
  const [program = '', ...rest] = [
    ...(offNetwork ? ['unshare', '--net'] : []),
    command,
    ...args,
    ...reporting,
  ];
  const child = spawn(program, rest, {
    cwd,
    env: { ...env, XDG_CACHE_HOME: join(folder, 'caches', cache) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, endedBy) => {
      const report = existsSync(reportHostPath)
        ? (JSON.parse(readFileSync(reportHostPath, 'utf8')) as JsonReport)
        : undefined;
      resolve({ exitCode, signal: endedBy, stdout, stderr, report });
    });
  });
}

const SCENARIO = ['incompatible-version', '--containerd', '1.6.3,1.6.4'] as const;

/** The components of each run, and their sources. */
const sourcesIn = (report: JsonReport | undefined) =>
  (report?.runs ?? []).map(({ outcome, artifacts = [] }) => ({
    outcome,
    from: [...new Set(artifacts.map(({ name, version, source }) => `${name} ${version}: ${source}`))]
      .filter((line) => !line.endsWith(': own'))
      .sort(),
  }));

const madeOf = (containerd: string) => ({
  outcome: 'pass',
  from: [
    'cni-plugins 0.9.1: release',
    'cni-plugins 1.1.1: release',
    `containerd ${containerd}: release`,
    'crictl 1.36.0: release',
    'runc 1.1.15: release',
  ],
});

test('the package has what a user needs, and the only dependencies that are installed are those for engines', () => {
  const kinds = [
    /^(LICENSE|README\.md|package\.json)$/,
    /^bin\/(cnilab|code-cache)\.cjs$/,
    /^dist\/((cnilab|reaper-thread)\.cjs|THIRD-PARTY-LICENSES)$/,
    /^dist\/pins\.json$/,
    /^dist\/html-report(\.js|-style\.css)$/,
    /^dist\/[\w-]+\.mjs$/, // the library
    /^dist\/types\/([\w-]+\/)*[\w-]+\.d\.ts$/,
    /^docs\/[\w-]+\.md$/,
    /^images\/(pins\.yaml|(kind-)?node\/[\w.-]+|gomod\/([\w-]+\.sum|conmon-rs\/([\w-]+\/)*[\w.-]+\.(go|mod))|node-tools\/dist\/(amd64|arm64)\/(agent|cni-fake|cni-recorder|crictl|pause))$/,
    /^scenarios\/(README\.md|schema\.json|([\w-]+\/)*[\w-]+\.yaml)$/,
    /^scripts\/bundle\.mjs$/, // the `prepare` script of package.json, which does nothing there
  ];
  expect(packed.files.filter((path) => !kinds.some((kind) => kind.test(path)))).toEqual([]);
  expect(kinds.filter((kind) => !packed.files.some((path) => kind.test(path)))).toEqual([]);
  expect(packed.files.filter((path) => path.startsWith('images/node-tools/')).length).toBe(10);
  expect(statSync(packed.tarballHostPath).size).toBeLessThan(28 * 1024 * 1024);

  const parsed = JSON.parse(readFileSync(join(packageHostPath, 'package.json'), 'utf8')) as object;
  expect(parsed).toMatchObject({
    dependencies: { dockerode: expect.any(String) as string },
    optionalDependencies: { testcontainers: expect.any(String) as string },
  });
  const prepared = spawnSync('npm', ['run', '--silent', 'prepare'], {
    cwd: packageHostPath,
    encoding: 'utf8',
  });
  expect([prepared.status, prepared.stdout]).toEqual([0, '']);
});

test('a release with one wrong byte is rejected by name, and no run uses it', async () => {
  const release = releases.get('containerd 1.6.4');
  if (release === undefined) throw new Error('it is served');
  const got = server.spoil(release.url);
  const result = await cnilab(['run', ...SCENARIO, '--mirror', server.mirror], { cache: 'spoiled' });
  server.spoil(release.url);
  expect(result.exitCode).toBe(69);
  expect(result.report?.totals).toEqual({ pass: 1, fail: 0, inconclusive: 1, flaky: 0, notRun: 0 });
  const why = result.report?.runs
    .flatMap(({ findings = [] }) => findings.map(({ message }) => message))
    .join('\n');
  expect(why).toContain('containerd 1.6.4 is not available\n');
  expect(why).toContain(`  release  ${release.url}: wanted sha256 ${release.sum}, got ${got} over `);
  expect(await settled(before, [folder])).toEqual(before);
});

test('with an empty cache and the releases, the main task works', async () => {
  const asked = server.asked.length;
  const result = await cnilab(['run', ...SCENARIO, '--mirror', server.mirror], { cache: 'empty' });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(sourcesIn(result.report)).toEqual([madeOf('1.6.3'), madeOf('1.6.4')]);
  expect(server.asked.slice(asked).sort()).toEqual(
    [...releases.values()].map(({ url }) => new URL(url).pathname).sort(),
  );
  expect(await settled(before, [folder])).toEqual(before);
});

test('two labs at once on an empty cache both work, and each release is fetched once', async () => {
  const asked = server.asked.length;
  const args = ['run', ...SCENARIO, '--mirror', server.mirror];
  const both = await Promise.all(['one', 'two'].map((user) => cnilab(args, { cache: 'shared', user })));
  for (const result of both) {
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(sourcesIn(result.report)).toEqual([madeOf('1.6.3'), madeOf('1.6.4')]);
  }
  expect(server.asked.slice(asked).sort()).toEqual(
    [...releases.values()].map(({ url }) => new URL(url).pathname).sort(),
  );
  expect(await settled(before, [folder])).toEqual(before);
});

test('fetched artifacts are sufficient without the server, and without any network', async () => {
  const fetched = await cnilab(['fetch', ...SCENARIO, '--mirror', server.mirror], { cache: 'fetched' });
  expect(fetched).toMatchObject({ exitCode: 0, stderr: '' });
  expect(fetched.stdout.split('\n').slice(-2)).toEqual([
    `everything for 2 runs is in ${join(folder, 'caches/fetched/cnilab')}`,
    '',
  ]);
  await server.stop();
  const offline = await cnilab(['run', ...SCENARIO, '--offline', '--mirror', server.mirror], {
    cache: 'fetched',
  });
  expect(offline).toMatchObject({ exitCode: 0, stderr: '' });
  expect(sourcesIn(offline.report)).toEqual([madeOf('1.6.3'), madeOf('1.6.4')]);

  const alone = await cnilab(['run', ...SCENARIO, '--offline'], { cache: 'fetched', offNetwork: true });
  expect(alone).toMatchObject({ exitCode: 0, stderr: '' });
  expect(sourcesIn(alone.report)).toEqual([madeOf('1.6.3'), madeOf('1.6.4')]);
  expect(await settled(before, [folder])).toEqual(before);
});

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRelease, releaseUrl } from '../../lab/artifacts/sources/release.ts';
import { createConnect } from '../../lab/host/connect.ts';
import { createHttp } from '../../lab/host/http.ts';
import type { ComponentName } from '../../lab/core/components.ts';
import type { Pins } from '../../lab/plan/pins.ts';
import { pinsWith } from '../rig/pins.ts';

let folder: string;
let server: Server;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnilab-release-'));
  mkdirSync(join(folder, 'tree'));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true });
});

async function archiveOf(names: readonly string[], inFolder = 'bin'): Promise<Buffer> {
  const tar = pack();
  for (const name of names) tar.entry({ name: `${inFolder}/${name}` }, `program ${name} `.repeat(500));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const WHOLE = ['containerd', 'containerd-shim-runc-v2', 'ctr', 'containerd-stress'];

function listen(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    ),
  );
}

interface Fetching {
  readonly mirror: string;
  readonly pins: Pins;
  readonly component?: ComponentName;
  readonly version?: string;
  readonly offline?: boolean;
  readonly connectTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
}

function fetcher({
  mirror,
  pins,
  component = 'containerd',
  version = '1.6.3',
  offline = false,
  connectTimeoutMs = 3_000,
  stallTimeoutMs = 5_000,
}: Fetching) {
  const http = createHttp({ connect: createConnect({ env: {}, connectTimeoutMs }), stallTimeoutMs });
  const release = createRelease({ pins, arch: 'amd64', http, mirror, offline });
  return async () => {
    const recipe = release.recipe({ component, version });
    if (!recipe.ok) return recipe;
    const scratchHostPath = mkdtempSync(join(folder, 'scratch-'));
    return recipe.value.make(join(folder, 'tree'), {
      signal: new AbortController().signal,
      scratchHostPath,
      progress: () => undefined,
    });
  };
}

const PATH = '/containerd/containerd/releases/download/v1.6.3/containerd-1.6.3-linux-amd64.tar.gz';

test('a mirror replaces scheme and host, and may have a path of its own', () => {
  const url = 'https://official.example/o/r/v{version}/f-{version}-{arch}.tgz';
  expect(releaseUrl({ url, version: '1.0.0', arch: 'arm64', mirror: undefined })).toBe(
    'https://official.example/o/r/v1.0.0/f-1.0.0-arm64.tgz',
  );
  expect(releaseUrl({ url, version: '1.0.0', arch: 'arm64', mirror: 'http://mirror.example/gh/' })).toBe(
    'http://mirror.example/gh/o/r/v1.0.0/f-1.0.0-arm64.tgz',
  );
});

test('the programs come from a full archive at upstream’s path, also behind a redirect', async () => {
  const archive = await archiveOf(WHOLE);
  const asked: string[] = [];
  const mirror = await listen((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === PATH) response.writeHead(302, { location: '/elsewhere?x=1' }).end();
    else response.end(archive);
  });
  const made = await fetcher({ mirror, pins: pinsWith({ containerd: { '1.6.3': sha256(archive) } }) })();
  expect(made).toEqual({ ok: true, value: { madeBy: `${mirror}${PATH}` } });
  expect(asked).toEqual([PATH, '/elsewhere?x=1']);
  expect(readdirSync(join(folder, 'tree/bin')).sort()).toEqual([
    'containerd',
    'containerd-shim-runc-v2',
    'ctr',
  ]);
});

const KUBERNETES = [
  'kubelet',
  'kubeadm',
  'kubectl',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
];

test('Kubernetes: seven programs from one archive, verified by its sha512', async () => {
  const path = '/v1.24.17/kubernetes-server-linux-amd64.tar.gz';
  const archive = await archiveOf(['kubeadm.docker_tag', ...KUBERNETES], 'kubernetes/server/bin');
  const sha512 = createHash('sha512').update(archive).digest('hex');
  const mirror = await listen((request, response) => {
    if (request.url === path) response.end(archive);
    else response.writeHead(404).end();
  });
  const wanted = { mirror, component: 'kubernetes', version: '1.24.17' } as const;
  const made = await fetcher({ ...wanted, pins: pinsWith({ kubernetes: { '1.24.17': sha512 } }) })();
  expect(made).toEqual({ ok: true, value: { madeBy: `${mirror}${path}` } });
  expect(readdirSync(join(folder, 'tree/bin')).sort()).toEqual([...KUBERNETES].sort());

  const another = await fetcher({
    ...wanted,
    pins: pinsWith({ kubernetes: { '1.24.17': 'a'.repeat(128) } }),
  })();
  expect(another).toMatchObject({
    error: {
      reason: 'broken',
      why: `${mirror}${path}: wanted sha512 ${'a'.repeat(128)}, got ${sha512} over ${archive.length} bytes`,
    },
  });
});

test('etcd: its programs are in a folder with the version', async () => {
  const path = '/etcd-io/etcd/releases/download/v3.5.6/etcd-v3.5.6-linux-amd64.tar.gz';
  const archive = await archiveOf(['etcd', 'etcdctl', 'etcdutl'], 'etcd-v3.5.6-linux-amd64');
  const mirror = await listen((_request, response) => response.end(archive));
  const pins = pinsWith({ etcd: { '3.5.6': sha256(archive) } });
  const made = await fetcher({ mirror, pins, component: 'etcd', version: '3.5.6' })();
  expect(made).toEqual({ ok: true, value: { madeBy: `${mirror}${path}` } });
  expect(readdirSync(join(folder, 'tree/bin')).sort()).toEqual(['etcd', 'etcdctl']);
});

test('CRI-O: its programs lie in the folder bin of a bundle that has many other files', async () => {
  const path = '/cri-o/artifacts/cri-o.amd64.v1.34.0.tar.gz';
  const programs = ['conmon', 'conmonrs', 'crictl', 'crio', 'crun', 'pinns', 'runc'];
  const others = [
    'contrib/crio',
    'contrib/crio.service',
    'etc/10-crio.conf',
    'cni-plugins/bridge',
    'install',
  ];
  const archive = await archiveOf([...others, ...programs.map((name) => `bin/${name}`)], 'cri-o');
  const asked: string[] = [];
  const mirror = await listen((request, response) => {
    asked.push(request.url ?? '');
    response.end(archive);
  });
  const pins = pinsWith({ crio: { '1.34.0': sha256(archive) } });
  const wanted = { mirror, pins, component: 'crio', version: '1.34.0' } as const;
  expect(await fetcher(wanted)()).toEqual({ ok: true, value: { madeBy: `${mirror}${asked[0]}` } });
  expect(asked).toEqual([path]);
  expect(readdirSync(join(folder, 'tree/bin')).sort()).toEqual(['conmon', 'crio', 'pinns']);
  expect(readFileSync(join(folder, 'tree/bin/crio'), 'utf8')).toMatch(/^program bin\/crio /);
});

test('a bundle of CRI-O without conmon is of no use', async () => {
  const archive = await archiveOf(['crio', 'pinns'], 'cri-o/bin');
  const mirror = await listen((_request, response) => response.end(archive));
  const pins = pinsWith({ crio: { '1.34.0': sha256(archive) } });
  expect(await fetcher({ mirror, pins, component: 'crio', version: '1.34.0' })()).toMatchObject({
    error: { reason: 'broken', why: expect.stringContaining('conmon') as unknown },
  });
});

test('one wrong byte is named, and nothing is unpacked', async () => {
  const archive = await archiveOf(WHOLE);
  const wrong = Buffer.from(archive);
  wrong.writeUInt8(wrong.readUInt8(100) ^ 1, 100);
  const mirror = await listen((_request, response) => response.end(wrong));
  const made = await fetcher({ mirror, pins: pinsWith({ containerd: { '1.6.3': sha256(archive) } }) })();
  expect(made).toEqual({
    ok: false,
    error: {
      source: 'release',
      reason: 'broken',
      why: `${mirror}${PATH}: wanted sha256 ${sha256(archive)}, got ${sha256(wrong)} over ${wrong.length} bytes`,
    },
  });
  expect(readdirSync(join(folder, 'tree'))).toEqual([]);
});

test('an interrupted transfer is reported', async () => {
  const archive = await archiveOf(WHOLE);
  const mirror = await listen((_request, response) => {
    response.writeHead(200, { 'content-length': String(archive.length) });
    response.write(archive.subarray(0, 100), () => response.destroy());
  });
  const made = await fetcher({ mirror, pins: pinsWith({ containerd: { '1.6.3': sha256(archive) } }) })();
  expect(made).toMatchObject({
    error: {
      reason: 'broken',
      why: `${mirror}${PATH}: the transfer broke off after 100 of ${archive.length} bytes`,
    },
  });
});

test('a stalled transfer is cancelled', async () => {
  const archive = await archiveOf(WHOLE);
  const mirror = await listen((_request, response) => {
    response.writeHead(200, { 'content-length': String(archive.length) });
    response.write(archive.subarray(0, 100));
  });
  const pins = pinsWith({ containerd: { '1.6.3': sha256(archive) } });
  expect(await fetcher({ mirror, pins, stallTimeoutMs: 50 })()).toMatchObject({
    error: {
      reason: 'broken',
      why: `${mirror}${PATH}: the transfer stalled for 50 ms after 100 of ${archive.length} bytes`,
    },
  });
});

test('a server that accepts the connection but does not answer is given up', async () => {
  const mirror = await listen(() => undefined);
  const pins = pinsWith({ containerd: { '1.6.3': 'a'.repeat(64) } });
  expect(await fetcher({ mirror, pins, stallTimeoutMs: 50 })()).toMatchObject({
    error: { reason: 'broken', why: `${mirror}${PATH}: no answer for 50 ms` },
  });
});

test('if the mirror does not have the file, the message says so', async () => {
  const mirror = await listen((_request, response) => response.writeHead(404).end());
  const pins = pinsWith({ containerd: { '1.6.3': 'a'.repeat(64) } });
  expect(await fetcher({ mirror, pins })()).toMatchObject({
    error: { reason: 'not-there', why: `${mirror}${PATH}: the server answered 404` },
  });
});

test('a host that refuses connections is asked once per run', async () => {
  const mirror = await listen(() => undefined);
  const host = mirror.replace('http://', '');
  await new Promise((resolve) => server.close(resolve));
  const fetch = fetcher({ mirror, pins: pinsWith({ containerd: { '1.6.3': 'a'.repeat(64) } }) });
  const why = `${host} cannot be reached: connect ECONNREFUSED ${host}`;
  expect(await fetch()).toMatchObject({ error: { reason: 'unreachable', why } });

  const asked: string[] = [];
  server = createServer((request) => asked.push(request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(Number(host.split(':')[1]), '127.0.0.1', resolve));
  expect(await fetch()).toMatchObject({ error: { reason: 'unreachable', why } });
  expect(asked).toEqual([]);
});

test('a host that never answers costs one timeout, for all requests at once', async () => {
  let connections = 0;
  // It accepts connections and never answers the first message of TLS. For the client this looks like a black hole.
  const hole = createTcpServer(() => (connections += 1));
  await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(hole.address() as AddressInfo).port}`;
  const fetch = fetcher({
    mirror: `https://${host}`,
    pins: pinsWith({ containerd: { '1.6.3': 'a'.repeat(64) } }),
    connectTimeoutMs: 500,
  });
  const error = { reason: 'unreachable', why: `${host} cannot be reached: no connection within 500 ms` };
  expect(await Promise.all([fetch(), fetch(), fetch()])).toMatchObject([{ error }, { error }, { error }]);
  expect(connections).toBe(1);
  hole.close();
});

test('offline opens no connection', async () => {
  let connections = 0;
  const mirror = await listen(() => undefined);
  server.on('connection', () => (connections += 1));
  const pins = pinsWith({ containerd: { '1.6.3': 'a'.repeat(64) } });
  expect(await fetcher({ mirror, pins, offline: true })()).toEqual({
    ok: false,
    error: {
      source: 'release',
      reason: 'unreachable',
      why: `${mirror}${PATH} is not in the cache, and --offline forbids to fetch it`,
    },
  });
  expect(connections).toBe(0);
});

test('an archive without the shim cannot be used', async () => {
  const archive = await archiveOf(['containerd', 'ctr']);
  const mirror = await listen((_request, response) => response.end(archive));
  const made = await fetcher({ mirror, pins: pinsWith({ containerd: { '1.6.3': sha256(archive) } }) })();
  expect(made).toMatchObject({
    error: { reason: 'broken', why: `${mirror}${PATH}: it has no containerd-shim-runc-v2` },
  });
});

test('a version without a checksum is not fetched', async () => {
  expect(await fetcher({ mirror: 'http://127.0.0.1:1', pins: pinsWith({}) })()).toMatchObject({
    error: { reason: 'not-there', why: 'pins.yaml has no checksum of containerd 1.6.3' },
  });
});

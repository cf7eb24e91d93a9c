import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { checksumIn, possibleSuccessors, withRelease } from '../../scripts/update-pins/pins-edit.ts';
import { updatePins } from '../../scripts/update-pins/update-pins.ts';
import { LabError } from '../../lab/core/lab-error.ts';
import { createConnect } from '../../lab/host/connect.ts';
import { createHttp } from '../../lab/host/http.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64)) as [
  string,
  string,
  string,
  string,
];

const PINS = `# words that stay
components:
  containerd:
    default: 1.6.3
    release:
      url: https://official.invalid/containerd/releases/v{version}/containerd-{version}-linux-{arch}.tar.gz
      checksums: "{url}.sha256sum"
      sha256:
        1.6.3: { amd64: ${a} }
        1.7.0: { amd64: ${a} }
  crio:
    default: 1.34.0
    release:
      url: https://official.invalid/cri-o.{arch}.v{version}.tar.gz
      checksums: "{url}.sha256sum"
      sha256: {}
  runc:
    default: 1.1.15
    release:
      url: https://official.invalid/runc/releases/v{version}/runc.{arch}
      checksums: "{base}/runc.sha256sum"
      sha256:
        1.1.15: { amd64: ${a} }
  cni-plugins:
    default: 1.1.1
    release:
      url: https://official.invalid/plugins/v{version}/cni-plugins-linux-{arch}-v{version}.tgz
      checksums: "{url}.sha256"
      sha256:
        1.1.1: { amd64: ${a} }
  crictl:
    default: 1.25.0
    release:
      url: https://official.invalid/cri-tools/v{version}/crictl-v{version}-linux-{arch}.tar.gz
      checksums: "{url}.sha256"
      sha256:
        1.25.0: { amd64: ${a} }
  kubernetes:
    default: 1.24.17
    release:
      url: https://official.invalid/v{version}/kubernetes-server-linux-{arch}.tar.gz
      checksums: "{url}.sha512"
      sha512:
        1.24.16: { amd64: ${a}${a} }
  etcd:
    default: 3.5.6
    release:
      url: https://official.invalid/etcd/v{version}/etcd-v{version}-linux-{arch}.tar.gz
      checksums: "{base}/SHA256SUMS"
      sha256: {}
  kind:
    default: 0.30.0
    release:
      url: https://official.invalid/kind/v{version}/kind-linux-{arch}
      checksums: "{url}.sha256sum"
      sha256: {}

critest:
  module: example.invalid/cri-tools
  packages: [cmd/critest]
  tags: []
  cgo: false
  set: {}
  pinned: [1.0.0]
debian:
  suites: [sid]
  security: []
`;

const FILES: Readonly<Record<string, string>> = {
  '/containerd/releases/v1.6.4/containerd-1.6.4-linux-amd64.tar.gz.sha256sum': `${b}  containerd-1.6.4-linux-amd64.tar.gz\n`,
  '/containerd/releases/v1.6.4/containerd-1.6.4-linux-arm64.tar.gz.sha256sum': `${c}  containerd-1.6.4-linux-arm64.tar.gz\n`,
  '/containerd/releases/v1.6.5/containerd-1.6.5-linux-amd64.tar.gz.sha256sum': `${d}  containerd-1.6.5-linux-amd64.tar.gz\n`,
  '/runc/releases/v1.2.0/runc.sha256sum': `${b} *runc.amd64\n${c} *runc.arm64\n${d} *runc.tar.xz\n`,
  '/cri-tools/v1.26.0/crictl-v1.26.0-linux-amd64.tar.gz.sha256': `${b}\n`,
  '/v1.24.17/kubernetes-server-linux-amd64.tar.gz.sha512': `${b}${c}\n`,
};

let server: Server;
afterEach(() => server.close());

async function update(wanted: Parameters<typeof updatePins>[0]['wanted'], status = 404) {
  server = createServer((request, response) => {
    const text = FILES[request.url ?? ''];
    response.writeHead(text === undefined ? status : 200).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createHttp({
    connect: createConnect({ env: {}, connectTimeoutMs: 3_000 }),
    stallTimeoutMs: 5_000,
  });
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return updatePins({ yamlText: PINS, wanted, http, mirror, signal: new AbortController().signal });
}

test('all newer releases are added, each in its place', async () => {
  const updated = await update([]);
  expect(updated.added).toEqual([
    { component: 'containerd', version: '1.6.4', sums: { amd64: b, arm64: c } },
    { component: 'containerd', version: '1.6.5', sums: { amd64: d } },
    { component: 'runc', version: '1.2.0', sums: { amd64: b, arm64: c } },
    { component: 'crictl', version: '1.26.0', sums: { amd64: b } },
    { component: 'kubernetes', version: '1.24.17', sums: { amd64: `${b}${c}` } },
  ]);
  expect(updated.yamlText).toBe(
    PINS.replace(
      `        1.7.0: { amd64: ${a} }\n`,
      `        1.6.4: { amd64: ${b}, arm64: ${c} }\n        1.6.5: { amd64: ${d} }\n        1.7.0: { amd64: ${a} }\n`,
    )
      .replace(`        1.1.15: { amd64: ${a} }\n`, `$&        1.2.0: { amd64: ${b}, arm64: ${c} }\n`)
      .replace(`        1.25.0: { amd64: ${a} }\n`, `$&        1.26.0: { amd64: ${b} }\n`)
      .replace(`        1.24.16: { amd64: ${a}${a} }\n`, `$&        1.24.17: { amd64: ${b}${c} }\n`),
  );
});

test('only a named release is added, and one that does not exist is reported', async () => {
  expect((await update([{ component: 'containerd', version: '1.6.5' }])).added).toEqual([
    { component: 'containerd', version: '1.6.5', sums: { amd64: d } },
  ]);
  server.close();
  await expect(update([{ component: 'containerd', version: '1.6.9' }])).rejects.toThrow(
    new LabError('upstream publishes no sha256 of containerd 1.6.9'),
  );
});

test('a server error is not "nothing new"', async () => {
  await expect(update([], 503)).rejects.toThrow(
    /containerd-1\.7\.1-linux-amd64\.tar\.gz\.sha256sum: the server answered 503$/,
  );
});

test('the possible next versions are listed', () => {
  expect(possibleSuccessors(['1.6.3', '1.6.4', '1.7.0', '2.0.0-rc.1'])).toEqual([
    '1.6.5',
    '1.7.1',
    '1.8.0',
    '2.0.0',
  ]);
});

test.each([
  [`${a}  other\n${b}  wanted\n`, b],
  [`${b}  ./dist/wanted\n`, b],
  [`${b} *wanted\n`, b],
  [`${b}\n`, b],
  [`${a}  one\n${b}  two\n`, undefined],
  ['<html>', undefined],
])('the checksum in %j', (text, sum) => {
  expect(checksumIn(text, 'wanted')).toBe(sum);
});

test('the newest release is added at the end', () => {
  expect(withRelease(PINS, { component: 'containerd', version: '2.0.0', sums: { arm64: b } })).toBe(
    PINS.replace(`        1.7.0: { amd64: ${a} }\n`, `$&        2.0.0: { arm64: ${b} }\n`),
  );
});

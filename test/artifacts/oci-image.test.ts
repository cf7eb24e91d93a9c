import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { expect, test } from 'vitest';
import { labImage } from '../../lab/artifacts/images/lab-images.ts';
import { packOciImage, type OciImage } from '../../lab/artifacts/images/oci-image.ts';

const image: OciImage = {
  name: 'cnilab.local/tiny:1',
  arch: 'arm64',
  files: [
    { path: '/bin/tool', content: 'program', mode: 0o755 },
    { path: '/bin/sh', linkTo: 'tool' },
    { path: '/tmp', folder: true, mode: 0o1777 },
  ],
  entrypoint: ['/bin/tool'],
  env: { PATH: '/bin' },
};

interface Entry {
  readonly header: Header;
  readonly content: Buffer;
}

async function unpack(tar: Buffer): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  const extractor = extract();
  Readable.from([tar]).pipe(extractor);
  for await (const entry of extractor) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    entries.set(entry.header.name, { header: entry.header, content: Buffer.concat(chunks) });
  }
  return entries;
}

const text = (entries: ReadonlyMap<string, Entry>, name: string): string =>
  entries.get(name)?.content.toString() ?? `there is no ${name}`;
const json = (entries: ReadonlyMap<string, Entry>, name: string): unknown => JSON.parse(text(entries, name));
const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');
const digestOf = (value: unknown): string =>
  /"digest":"sha256:([0-9a-f]{64})"/.exec(JSON.stringify(value))?.[1] ?? '';

test('an archive names its image, and its manifest refers to its configuration and its one layer', async () => {
  const archive = await unpack(await packOciImage(image));
  const index = json(archive, 'index.json');
  const manifestHex = digestOf(index);
  const manifestText = text(archive, `blobs/sha256/${manifestHex}`);
  const [configHex = '', layerHex = ''] = [...manifestText.matchAll(/"digest":"sha256:([0-9a-f]{64})"/g)].map(
    ([, hex]) => hex ?? '',
  );
  const configText = text(archive, `blobs/sha256/${configHex}`);
  const layer = archive.get(`blobs/sha256/${layerHex}`)?.content ?? Buffer.alloc(0);

  expect([...archive.keys()]).toEqual([
    'oci-layout',
    'index.json',
    'blobs/',
    'blobs/sha256/',
    ...[manifestHex, configHex, layerHex].map((hex) => `blobs/sha256/${hex}`),
  ]);
  expect([sha256(manifestText), sha256(configText), sha256(layer)]).toEqual([
    manifestHex,
    configHex,
    layerHex,
  ]);
  expect(json(archive, 'oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
  expect(index).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: `sha256:${manifestHex}`,
        size: manifestText.length,
        platform: { architecture: 'arm64', os: 'linux' },
        annotations: {
          'io.containerd.image.name': 'cnilab.local/tiny:1',
          'org.opencontainers.image.ref.name': '1',
        },
      },
    ],
  });
  expect(JSON.parse(manifestText)).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: `sha256:${configHex}`,
      size: configText.length,
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: `sha256:${layerHex}`,
        size: layer.length,
      },
    ],
  });
  expect(JSON.parse(configText)).toEqual({
    architecture: 'arm64',
    os: 'linux',
    config: { Env: ['PATH=/bin'], Entrypoint: ['/bin/tool'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerHex}`] },
  });

  const files = [...(await unpack(layer)).values()].map(({ header, content }) => [
    header.type,
    header.name,
    header.mode.toString(8),
    header.linkname ?? content.toString(),
    header.mtime.getTime(),
  ]);
  expect(files).toEqual([
    ['directory', 'bin/', '755', '', 0],
    ['file', 'bin/tool', '755', 'program', 0],
    ['symlink', 'bin/sh', '777', 'tool', 0],
    ['directory', 'tmp/', '1777', '', 0],
  ]);
});

test('the same files give the same bytes', async () => {
  expect(sha256(await packOciImage(image))).toBe(
    'bbc26826e5d606e2bea7ec183807f499ff788d67f4978b035346aa169af141a3',
  );
});

test('the lab has two images, with the expected content', () => {
  const program = Buffer.from('program');
  expect(labImage({ name: 'pause-image', arch: 'amd64', program })).toEqual({
    name: 'cnilab.local/pause:1',
    arch: 'amd64',
    files: [{ path: '/pause', content: program, mode: 0o755 }],
    entrypoint: ['/pause'],
    env: {},
  });
  const app = labImage({ name: 'app-image', arch: 'amd64', program });
  expect([app.name, app.entrypoint, app.env]).toEqual(['cnilab.local/app:1', [], { PATH: '/bin' }]);
  expect(app.files).toEqual(
    expect.arrayContaining([
      { path: '/bin/busybox', content: program, mode: 0o755 },
      { path: '/bin/sh', linkTo: 'busybox' },
      { path: '/bin/nc', linkTo: 'busybox' },
      { path: '/bin/httpd', linkTo: 'busybox' },
      { path: '/bin/wget', linkTo: 'busybox' },
    ]),
  );
});

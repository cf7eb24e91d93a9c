import { createHash } from 'node:crypto';
import { pack, type Header } from 'tar-stream';
import type { Arch } from '../plan/pins.ts';

/** What lies in an image, by its absolute path; folders above it are made. */
export type ImageFile =
  | { readonly path: string; readonly content: Buffer | string; readonly mode: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly folder: true; readonly mode: number };

export interface OciImage {
  /** with registry and tag, as a configuration refers to it: cnilab.local/pause:1 */
  readonly name: string;
  readonly arch: Arch;
  readonly files: readonly ImageFile[];
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * An image as an OCI archive, which `ctr images import` of every containerd since 1.4 takes under its name. The same
 * files make the same bytes: no times, one order. The layer is not compressed, since unpacking would cost each node more
 * than the few megabytes do.
 */
export async function packOciImage({ name, arch, files, entrypoint, env }: OciImage): Promise<Buffer> {
  const layer = blob('application/vnd.oci.image.layer.v1.tar', await packTar(files));
  const config = jsonBlob('application/vnd.oci.image.config.v1+json', {
    architecture: arch,
    os: 'linux',
    config: {
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Entrypoint: entrypoint,
    },
    rootfs: { type: 'layers', diff_ids: [layer.descriptor.digest] },
  });
  const manifest = jsonBlob('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...manifest.descriptor,
        platform: { architecture: arch, os: 'linux' },
        annotations: {
          // the first is what containerd goes by; the second, which other tools read, may hold a tag only
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      },
    ],
  };
  return packTar([
    { path: '/oci-layout', content: JSON.stringify({ imageLayoutVersion: '1.0.0' }), mode: 0o644 },
    { path: '/index.json', content: JSON.stringify(index), mode: 0o644 },
    ...[manifest, config, layer].map(({ path, content }) => ({ path, content, mode: 0o644 })),
  ]);
}

interface Blob {
  readonly path: string;
  readonly content: Buffer;
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

function blob(mediaType: string, content: Buffer): Blob {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const descriptor = { mediaType, digest: `sha256:${sha256}`, size: content.length };
  return { path: `/blobs/sha256/${sha256}`, content, descriptor };
}

const jsonBlob = (mediaType: string, value: object): Blob =>
  blob(mediaType, Buffer.from(JSON.stringify(value)));

const EPOCH = new Date(0);

async function packTar(files: readonly ImageFile[]): Promise<Buffer> {
  const tar = pack();
  const add = (header: Partial<Header> & Pick<Header, 'name'>, content: Buffer | string = ''): void => {
    tar.entry({ ...header, mtime: EPOCH, uid: 0, gid: 0 }, content);
  };
  const made = new Set<string>();
  for (const file of files) {
    const name = file.path.slice(1);
    for (const folder of foldersAbove(name)) {
      if (!made.has(folder)) add({ name: `${folder}/`, type: 'directory', mode: 0o755 });
      made.add(folder);
    }
    if ('linkTo' in file) add({ name, type: 'symlink', linkname: file.linkTo, mode: 0o777 });
    else if ('folder' in file) add({ name: `${name}/`, type: 'directory', mode: file.mode });
    else add({ name, type: 'file', mode: file.mode }, file.content);
    if ('folder' in file) made.add(name);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** `a/b/c` → `a`, `a/b` */
function foldersAbove(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

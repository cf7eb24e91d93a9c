import { createHash } from 'node:crypto';
import { pack, type Header } from 'tar-stream';
import type { Arch } from '../../core/components.ts';

/**
 * A file in an image, by its absolute path. Parent directories are created. `sameAs` is another name of an earlier
 * file.
 */
export type ImageFile =
  | { readonly path: string; readonly content: Buffer | string; readonly mode: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly sameAs: string; readonly mode: number }
  | { readonly path: string; readonly folder: true; readonly mode: number };

export interface OciImage {
  /** with registry and tag, as a configuration refers to it: cnilab.local/pause:1 */
  readonly name: string;
  readonly arch: Arch;
  /** a layer below the files; the bytes are the same in every image that has it */
  readonly base?: readonly ImageFile[];
  readonly files: readonly ImageFile[];
  readonly entrypoint: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** name or number, optionally with a group: www-data:1004 */
  readonly user?: string;
}

/**
 * An image as an OCI archive, which `ctr images import` of every containerd since 1.4 imports under its name. The same
 * files give the same bytes: no times, one order. The layers are not compressed, because unpacking would cost each node
 * more than the few megabytes do.
 */
export async function packOciImage(image: OciImage): Promise<Buffer> {
  const { name } = image;
  const files = await ociLayout([
    {
      image,
      annotations: {
        // containerd uses the first; other tools read the second, which may only contain a tag
        'io.containerd.image.name': name,
        'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
      },
    },
  ]);
  return packTar(files.map(({ path, content }) => ({ path, content, mode: 0o644 })));
}

/** Several images as the files of one OCI image layout. Content that images share is included once. */
export async function ociLayout(
  images: readonly {
    readonly image: OciImage;
    /** of its entry in the index */
    readonly annotations: Readonly<Record<string, string>>;
  }[],
): Promise<readonly { readonly path: string; readonly content: Buffer }[]> {
  const blobs = new Map<string, Buffer>();
  const manifests: object[] = [];
  for (const { image, annotations } of images) {
    const { arch } = image;
    const made = await blobsOf(image);
    for (const { path, content } of [made.manifest, made.config, ...made.layers]) blobs.set(path, content);
    manifests.push({
      ...made.manifest.descriptor,
      platform: { architecture: arch, os: 'linux' },
      annotations,
    });
  }
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  return [
    { path: '/oci-layout', content: Buffer.from(JSON.stringify({ imageLayoutVersion: '1.0.0' })) },
    { path: '/index.json', content: Buffer.from(JSON.stringify(index)) },
    ...[...blobs].map(([path, content]) => ({ path, content })),
  ];
}

async function blobsOf({ arch, base, files, entrypoint, env, user }: OciImage) {
  const layers = await Promise.all(
    [...(base === undefined ? [] : [base]), files].map(async (layer) =>
      blob('application/vnd.oci.image.layer.v1.tar', await packTar(layer)),
    ),
  );
  const config = jsonBlob('application/vnd.oci.image.config.v1+json', {
    architecture: arch,
    os: 'linux',
    config: {
      ...(user === undefined ? {} : { User: user }),
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Entrypoint: entrypoint,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ descriptor }) => descriptor.digest) },
  });
  const manifest = jsonBlob('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  return { manifest, config, layers };
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
    else if ('sameAs' in file) add({ name, type: 'link', linkname: file.sameAs.slice(1), mode: file.mode });
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

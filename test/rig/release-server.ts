import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import { releaseUrl } from '../../lab/artifacts/sources/release.ts';
import type { ComponentName, Arch } from '../../lab/core/components.ts';
import type { Pins, ReleaseHash } from '../../lab/plan/pins.ts';

export interface ServedRelease {
  /** the checksum of the official release, as in pins.yaml */
  readonly officialSum: string;
  readonly sum: string;
  /** with the host of this server */
  readonly url: string;
}

/** A server for release files on this machine, with the official layout. */
export interface ReleaseServer {
  readonly mirror: string;
  /** the paths that were requested */
  readonly asked: readonly string[];
  /** Packs the artifact's programs in the format of an official release of `component`, and serves that from now on. */
  serve(component: ComponentName, artifact: Artifact): ServedRelease;
  /**
   * Changes one byte of the file at `url`, and so its checksum. Returns the new checksum. A second call changes it
   * back.
   */
  spoil(url: string): string;
  stop(): Promise<void>;
}

export async function startReleaseServer(options: {
  readonly folder: string;
  readonly pins: Pins;
  readonly arch: Arch;
}): Promise<ReleaseServer> {
  const { folder, pins, arch } = options;
  const files = new Map<string, { readonly content: Buffer; readonly hash: ReleaseHash }>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const content = files.get(path)?.content;
    response.statusCode = content === undefined ? 404 : 200;
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const archiveFolder = join(folder, 'archives');
  mkdirSync(archiveFolder);

  return {
    mirror,
    asked,
    serve(component, artifact) {
      const { version } = artifact;
      const { url: template, hash, sums } = pins.components[component].release;
      const officialSum = sums[version]?.[arch];
      if (officialSum === undefined)
        throw new Error(`pins.yaml has no release of ${component} ${version} for ${arch}`);
      const url = releaseUrl({ url: template, version, arch, mirror });
      const content = packed(component, artifact, join(archiveFolder, `${component}-${version}.tar.gz`));
      files.set(new URL(url).pathname, { content, hash });
      return { officialSum, sum: sumOf(content, hash), url };
    },
    spoil(url) {
      const { content, hash } = files.get(new URL(url).pathname) ?? {};
      const last = content?.at(-1);
      if (content === undefined || hash === undefined || last === undefined)
        throw new Error(`${url} is not served`);
      content[content.length - 1] = last ^ 1;
      return sumOf(content, hash);
    },
    // the only error is that it is closed already
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const sumOf = (content: Buffer, hash: ReleaseHash): string => createHash(hash).update(content).digest('hex');

/** runc's release is the program itself. An archive has bin/, a folder of its own, or the programs at the top level. */
function packed(component: ComponentName, { hostPath, version }: Artifact, archiveHostPath: string): Buffer {
  if (component === 'runc') return readFileSync(join(hostPath, 'bin/runc'));
  const folders: { readonly [C in ComponentName]?: string } = {
    containerd: 'bin',
    kubernetes: 'kubernetes/server/bin',
    etcd: `etcd-v${version}`,
  };
  const moved = ['--transform', `s,^\\.,${folders[component] ?? '.'},`];
  execFileSync('tar', [
    ...['-I', 'gzip -1', '-cf', archiveHostPath, ...moved],
    ...['-C', join(hostPath, 'bin'), '.'],
  ]);
  return readFileSync(archiveHostPath);
}

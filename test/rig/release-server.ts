import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import { releaseUrl } from '../../lab/artifacts/sources/release.ts';
import type { ComponentName, Arch } from '../../lab/core/components.ts';
import type { Pins } from '../../lab/plan/pins.ts';

export interface ServedRelease {
  /** of the official release, as pins.yaml has it */
  readonly officialSha256: string;
  readonly sha256: string;
  /** with the host, on this server */
  readonly url: string;
}

/** A server of release files, with the official layout, on this machine. */
export interface ReleaseServer {
  readonly mirror: string;
  /** the paths that it was asked for */
  readonly asked: readonly string[];
  /** Packs the artifact's programs as the official release of `component` is packed, and serves that from now on. */
  serve(component: ComponentName, artifact: Artifact): ServedRelease;
  /** Changes one byte of the file at `url`, and its checksum with that; returns the new one. A second call changes it back. */
  spoil(url: string): string;
  stop(): Promise<void>;
}

export async function startReleaseServer(options: {
  readonly folder: string;
  readonly pins: Pins;
  readonly arch: Arch;
}): Promise<ReleaseServer> {
  const { folder, pins, arch } = options;
  const files = new Map<string, Buffer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const content = files.get(path);
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
      const { url: template, sha256 } = pins.components[component].release;
      const officialSha256 = sha256[version]?.[arch];
      if (officialSha256 === undefined)
        throw new Error(`pins.yaml has no release of ${component} ${version} for ${arch}`);
      const url = releaseUrl({ url: template, version, arch, mirror });
      const content = packed(component, artifact, join(archiveFolder, `${component}-${version}.tar.gz`));
      files.set(new URL(url).pathname, content);
      return { officialSha256, sha256: sha256Of(content), url };
    },
    spoil(url) {
      const content = files.get(new URL(url).pathname);
      const last = content?.at(-1);
      if (content === undefined || last === undefined) throw new Error(`${url} is not served`);
      content[content.length - 1] = last ^ 1;
      return sha256Of(content);
    },
    // closing it again is not an error: it is stopped
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** runc's release is the program itself; containerd's archive has bin/, the others have their programs at its top. */
function packed(component: ComponentName, { hostPath }: Artifact, archiveHostPath: string): Buffer {
  if (component === 'runc') return readFileSync(join(hostPath, 'bin/runc'));
  const what = component === 'containerd' ? ['-C', hostPath, 'bin'] : ['-C', join(hostPath, 'bin'), '.'];
  execFileSync('tar', ['-I', 'gzip -1', '-cf', archiveHostPath, ...what]);
  return readFileSync(archiveHostPath);
}

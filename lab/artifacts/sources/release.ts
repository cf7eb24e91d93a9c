import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Http } from '../../host/http.ts';
import type { ComponentName, Arch } from '../../core/components.ts';
import type { Pins, ReleaseHash } from '../../plan/pins.ts';
import { unpackPrograms } from '../cache/archive.ts';
import { ARCHIVE_FOLDERS, COMPONENT_PROGRAMS, NEEDED_PROGRAMS } from './programs.ts';
import type { Job, Made, Refusal, Source } from '../artifact.ts';

export interface ReleaseOptions {
  readonly pins: Pins;
  readonly arch: Arch;
  readonly http: Pick<Http, 'download' | 'reach'>;
  /** replaces scheme and host of every official URL; the path stays the same */
  readonly mirror: string | undefined;
  readonly offline: boolean;
  /** Kubernetes, the largest, has 340 MB packed and 1.3 GB unpacked; tests use smaller limits */
  readonly caps?: ReleaseCaps;
}

export interface ReleaseCaps {
  readonly maxDownloadBytes: number;
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
}

const MIB = 1024 * 1024;
export const RELEASE_CAPS: ReleaseCaps = {
  maxDownloadBytes: 512 * MIB,
  maxFileBytes: 256 * MIB,
  maxTotalBytes: 2048 * MIB,
};

/** The official archives. They are checked against the checksums in pins.yaml. */
export function createRelease(options: ReleaseOptions): Source {
  const { pins, arch, mirror } = options;
  return {
    name: 'release',
    recipe({ component, version }) {
      const { url, hash, sums } = pins.components[component].release;
      const expected = sums[version]?.[arch];
      if (expected === undefined) {
        const known = sums[version] === undefined ? version : `${version} for ${arch}`;
        return err({
          source: 'release',
          reason: 'not-there',
          why: `pins.yaml has no checksum of ${component} ${known}`,
          wayOut: `add its checksum, in a checkout: node scripts/update-pins.mjs ${component} ${version}`,
        });
      }
      const download: Download = {
        ...options,
        component,
        hash,
        expected,
        url: releaseUrl({ url, version, arch, mirror }),
      };
      return ok({
        source: 'release',
        name: component,
        version,
        request: JSON.stringify({ source: 'release', component, version, arch, [hash]: expected }),
        make: (treeHostPath, job) => makeFromRelease(download, treeHostPath, job),
      });
    },
    async check(signal) {
      if (options.offline) return undefined;
      const { url } = pins.components.containerd.release;
      const site = mirror ?? new URL(url).origin;
      const why = await options.http.reach(site, signal);
      if (why === undefined) return undefined;
      return {
        source: 'release',
        reason: 'unreachable',
        why,
        wayOut: '--mirror URL names a server with the same paths',
      };
    },
    async versions(component) {
      const sums = Object.entries(pins.components[component].release.sums);
      return ok(sums.filter(([, byArch]) => byArch[arch] !== undefined).map(([version]) => version));
    },
  };
}

export interface ReleaseUrl {
  /** with {version} and {arch} */
  readonly url: string;
  readonly version: string;
  readonly arch: Arch;
  readonly mirror: string | undefined;
}

/** The URL of a release: https://official/path, or mirror/path. */
export function releaseUrl({ url, version, arch, mirror }: ReleaseUrl): string {
  const official = url.replaceAll('{version}', version).replaceAll('{arch}', arch);
  return mirror === undefined ? official : `${mirror.replace(/\/+$/, '')}${new URL(official).pathname}`;
}

interface Download extends ReleaseOptions {
  readonly component: ComponentName;
  readonly url: string;
  readonly hash: ReleaseHash;
  readonly expected: string;
}

async function makeFromRelease(
  download: Download,
  treeHostPath: string,
  job: Job,
): Promise<Result<Made, Refusal>> {
  const { component, url, hash, expected, http, offline, caps = RELEASE_CAPS } = download;
  const broken = (why: string) => err({ source: 'release', reason: 'broken', why } as const);
  if (offline)
    return err({
      source: 'release',
      reason: 'unreachable',
      why: `${url} is not in the cache, and --offline forbids to fetch it`,
    });
  const archiveHostPath = join(job.scratchHostPath, 'download');
  const got = await http.download(url, {
    signal: job.signal,
    toHostPath: archiveHostPath,
    maxBytes: caps.maxDownloadBytes,
    onProgress: everyMiB((done, total) =>
      job.progress('downloading', total === undefined ? { done } : { done, total }),
    ),
  });
  if (!got.ok) return err({ source: 'release', reason: got.error.kind, why: got.error.why });
  const sum = hash === 'sha256' ? got.value.sha256 : await sumOf(archiveHostPath, hash);
  if (sum !== expected)
    return broken(`${url}: wanted ${hash} ${expected}, got ${sum} over ${got.value.sizeBytes} bytes`);

  const binHostPath = join(treeHostPath, 'bin');
  if (!/\.t(ar\.)?gz$/.test(url)) {
    const [program = component] = COMPONENT_PROGRAMS[component];
    await mkdir(binHostPath);
    await rename(archiveHostPath, join(binHostPath, program));
    await chmod(join(binHostPath, program), 0o755);
    return ok({ madeBy: url });
  }
  const unpacked = await unpackPrograms({
    archiveHostPath,
    binHostPath,
    programs: COMPONENT_PROGRAMS[component],
    folder: ARCHIVE_FOLDERS[component],
    ...caps,
  });
  if (!unpacked.ok) return broken(`${url}: ${unpacked.error}`);
  const missing = NEEDED_PROGRAMS[component].filter((program) => !unpacked.value.includes(program));
  if (missing.length > 0) return broken(`${url}: it has no ${missing.join(', no ')}`);
  return ok({ madeBy: url });
}

async function sumOf(hostPath: string, hash: ReleaseHash): Promise<string> {
  const digest = createHash(hash);
  await pipeline(createReadStream(hostPath), digest);
  return digest.digest('hex');
}

type OnBytes = (done: number, total: number | undefined) => void;

/** Reports the first progress and then once per MiB, because there are thousands of chunks. */
function everyMiB(onBytes: OnBytes): OnBytes {
  let reported = -1;
  return (done, total) => {
    const whole = Math.floor(done / MIB);
    if (whole === reported) return;
    reported = whole;
    onBytes(done, total);
  };
}

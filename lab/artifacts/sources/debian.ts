import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Exec } from '../../core/ports.ts';
import type { ComponentName, Arch } from '../../core/components.ts';
import type { DebianPins, Pins } from '../../plan/pins.ts';
import type { Apt, DebianPackage } from '../apt/apt.ts';
import { COMPONENT_PROGRAMS, whyItDoesNotRun } from './programs.ts';
import type { Job, Made, Refusal, Source } from '../artifact.ts';

export interface DebianOptions {
  readonly pins: Pins;
  readonly arch: Arch;
  readonly apt: Apt;
  readonly exec: Exec;
}

/**
 * No suite from bullseye to sid has crictl. containerd 1.6 and 1.7 still support v1alpha2, as does the lab's own
 * crictl.
 */
const OTHER_CRICTL =
  "with containerd up to 1.7, --crictl 1.25.0 takes cnilab's own program, which needs no source; with any, --crictl local:PATH";

/** The builds of the distribution, from whichever suite has the version. Unpacked, never installed. */
export function createDebian(options: DebianOptions): Source {
  const { pins, arch } = options;
  return {
    name: 'debian',
    recipe({ component, version }) {
      const debian = pins.components[component].debian;
      if (debian === undefined) {
        return err({
          source: 'debian',
          reason: 'not-there',
          why: `Debian has no package with ${component}`,
          ...(component === 'crictl' ? { wayOut: OTHER_CRICTL } : {}),
        });
      }
      const wanted: Wanted = { ...options, component, version, debian };
      return ok({
        source: 'debian',
        name: component,
        version,
        request: JSON.stringify({ source: 'debian', component, version, arch }),
        async check(signal) {
          const found = await findPackage(wanted, signal);
          return found.ok ? undefined : found.error;
        },
        make: (treeHostPath, job) => unpackComponent(wanted, treeHostPath, job),
      });
    },
    async check(signal) {
      const listed = await this.versions('containerd', signal);
      return listed.ok ? undefined : listed.error;
    },
    async versions(component, signal) {
      const debian = pins.components[component].debian;
      if (debian === undefined) return ok([]);
      const found: string[] = [];
      for (const suite of pins.debianSuites) {
        const listed = await options.apt.versionsIn(suite, debian.package, signal);
        if (!listed.ok) return listed;
        found.push(...listed.value.map(({ version }) => upstreamVersion(version)));
      }
      return ok([...new Set(found)]);
    },
  };
}

interface Wanted extends DebianOptions {
  readonly component: ComponentName;
  readonly version: string;
  readonly debian: DebianPins;
}

/**
 * Suites that are known to have the version are asked first. The others follow, because the content of suites changes.
 */
async function findPackage(wanted: Wanted, signal: AbortSignal): Promise<Result<DebianPackage, Refusal>> {
  const { apt, pins, version, component, debian } = wanted;
  const isPinnedIn = (suite: string) => debian.versions[suite] === version;
  const suites = [
    ...pins.debianSuites.filter(isPinnedIn),
    ...pins.debianSuites.filter((suite) => !isPinnedIn(suite)),
  ];
  const seen: string[] = [];
  for (const suite of suites) {
    const listed = await apt.versionsIn(suite, debian.package, signal);
    if (!listed.ok) return listed;
    const found = listed.value.find((candidate) => upstreamVersion(candidate.version) === version);
    if (found !== undefined) return ok(found);
    seen.push(...listed.value.map((candidate) => `${upstreamVersion(candidate.version)} in ${suite}`));
  }
  return err({
    source: 'debian',
    reason: 'not-there',
    why: `no suite has ${component} ${version}; there is ${[...new Set(seen)].join(', ')}`,
  });
}

async function unpackComponent(
  wanted: Wanted,
  treeHostPath: string,
  job: Job,
): Promise<Result<Made, Refusal>> {
  const { apt, component, debian, exec } = wanted;
  job.progress('asking apt');
  const found = await findPackage(wanted, job.signal);
  if (!found.ok) return found;
  const { suite, name, version } = found.value;
  job.progress(`downloading ${name} ${version} from ${suite}`);
  const unpackedHostPath = join(job.scratchHostPath, 'unpacked');
  const unpacked = await apt.unpack([found.value], { ...job, treeHostPath: unpackedHostPath });
  if (!unpacked.ok) return unpacked;

  const from = join(unpackedHostPath, debian.folder);
  const bin = join(treeHostPath, 'bin');
  await mkdir(bin);
  const entries = await readdir(from, { withFileTypes: true });
  const programs = entries.filter(
    (entry) => entry.isFile() && COMPONENT_PROGRAMS[component].includes(entry.name),
  );
  for (const program of programs) await copyFile(join(from, program.name), join(bin, program.name));
  const problem = await whyItDoesNotRun({ component, binHostPath: bin, exec, signal: job.signal });
  if (problem !== undefined)
    return err({ source: 'debian', reason: 'broken', why: `${name} ${version} of ${suite} ${problem}` });
  return ok({ madeBy: `apt-get download ${name}=${version} (${suite})` });
}

/**
 * The upstream version in a Debian version: `1:1.6.20~ds1-1+deb12u1` is 1.6.20, `1.0.0~rc93+ds1-5` is 1.0.0-rc93.
 * Removes the epoch, the Debian revision, and the suffix of a repacked source (ds, dfsg).
 */
export function upstreamVersion(debianVersion: string): string {
  return debianVersion
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[~+](?:ds|dfsg)[\d.]*.*$/, '')
    .replace(/~(?=rc|beta|alpha)/, '-');
}

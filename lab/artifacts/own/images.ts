import { chmod, constants, copyFile, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { err, messageOf, ok, type Result } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import { stampOf } from '../cache/fingerprint.ts';
import type { Apt } from '../apt/apt.ts';
import type { Artifact, Job, Recipe, Refusal } from '../artifact.ts';

/** An archive of images of the user. It is copied, so that the file of a run does not change. */
export function imageArchiveRecipe(hostPath: string): Recipe {
  const name = basename(hostPath);
  return {
    source: 'local',
    name: 'image',
    version: name,
    request: JSON.stringify({ source: 'local', component: 'image', hostPath, stamp: stampOf(hostPath) }),
    async make(treeHostPath) {
      try {
        await copyFile(hostPath, join(treeHostPath, name), constants.COPYFILE_FICLONE);
      } catch (thrown) {
        return err({ source: 'local', reason: 'not-there', why: messageOf(thrown) });
      }
      return ok({ madeBy: hostPath });
    },
  };
}

/** The images of pods. No registry is used at run time. */
export type ImageName = 'pause-image' | 'app-image';

/** Packs programs as an OCI image archive at `archiveHostPath`, for `ctr images import`. */
export type PackImage = (image: {
  readonly name: ImageName;
  readonly arch: Arch;
  /** the only program of the image */
  readonly programHostPath: string;
  readonly archiveHostPath: string;
}) => Promise<void>;

export interface ImagesOptions {
  readonly arch: Arch;
  readonly apt: Apt;
  readonly pack: PackImage;
}

/**
 * pause.tar: `pause` of the lab, which runs in pod sandboxes. It is made from the lab's own programs, so it is always
 * available.
 */
export function pauseImageRecipe({ arch, pack }: ImagesOptions, nodeTools: Artifact): Recipe {
  const program = nodeTools.files.find(({ path }) => path === 'bin/pause');
  return {
    source: 'own',
    name: 'pause-image',
    version: (program?.sha256 ?? 'none').slice(0, 12),
    request: JSON.stringify({ own: 'pause-image', arch, sha256: program?.sha256, revision: 1 }),
    async make(treeHostPath) {
      if (program === undefined)
        return err({ source: 'own', reason: 'broken', why: 'the node tools have no bin/pause' });
      await pack({
        name: 'pause-image',
        arch,
        programHostPath: join(nodeTools.hostPath, program.path),
        archiveHostPath: join(treeHostPath, 'pause.tar'),
      });
      return ok({ madeBy: `packed from node-tools ${nodeTools.version}` });
    },
  };
}

/**
 * app.tar: a static busybox, for containers in scenarios. It is the busybox of the host, or else busybox-static of
 * Debian.
 */
export function appImageRecipe({ arch, apt, pack }: ImagesOptions): Recipe {
  return {
    source: 'own',
    name: 'app-image',
    version: 'busybox',
    request: JSON.stringify({ own: 'app-image', arch, revision: 1 }),
    async make(treeHostPath, job) {
      const programHostPath = join(job.scratchHostPath, 'busybox');
      const found = await findBusybox(programHostPath, { apt, job });
      if (!found.ok) return found;
      await chmod(programHostPath, 0o755);
      await pack({
        name: 'app-image',
        arch,
        programHostPath,
        archiveHostPath: join(treeHostPath, 'app.tar'),
      });
      return ok({ madeBy: `packed from ${found.value}` });
    },
  };
}

export interface BusyboxSearch {
  readonly apt: Apt;
  readonly job: Job;
}

/** Copies a static busybox to `toHostPath`, and returns where it comes from. */
export async function findBusybox(
  toHostPath: string,
  { apt, job }: BusyboxSearch,
): Promise<Result<string, Refusal>> {
  const { signal, scratchHostPath } = job;
  for (const hostPath of ['/bin/busybox', '/usr/bin/busybox']) {
    if (await isStatic(hostPath)) {
      await copyFile(hostPath, toHostPath);
      return ok(hostPath);
    }
  }
  const { codename } = await apt.hostRelease();
  job.progress('asking apt');
  const listed = await apt.versionsIn(codename, 'busybox-static', signal);
  const newest = listed.ok ? listed.value[0] : undefined;
  if (newest === undefined) {
    const why = listed.ok ? `${codename} has no busybox-static` : listed.error.why;
    const wayOut = 'install a static busybox as /bin/busybox (busybox-static)';
    return err({
      source: 'own',
      reason: 'not-here',
      why: `the app image needs a static busybox: ${why}`,
      wayOut,
    });
  }
  job.progress(`downloading busybox-static ${newest.version}`);
  const unpackedHostPath = join(scratchHostPath, 'unpacked');
  await mkdir(unpackedHostPath);
  const unpacked = await apt.unpack([newest], { treeHostPath: unpackedHostPath, scratchHostPath, signal });
  if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });
  for (const path of ['bin/busybox', 'usr/bin/busybox']) {
    if (!(await isStatic(join(unpackedHostPath, path)))) continue;
    await copyFile(join(unpackedHostPath, path), toHostPath);
    return ok(`busybox-static ${newest.version} (${codename})`);
  }
  return err({
    source: 'own',
    reason: 'broken',
    why: `busybox-static ${newest.version} of ${codename} has no static busybox`,
  });
}

const ELF_HEADER_BYTES = 64;
const PT_INTERP = 3;

/** Whether a file is a 64-bit ELF program without a loader; see elf(5). */
async function isStatic(hostPath: string): Promise<boolean> {
  const content = await readFile(hostPath).catch(() => undefined);
  if (content === undefined || content.length < ELF_HEADER_BYTES) return false;
  if (content.readUInt32BE(0) !== 0x7f454c46 || content[4] !== 2) return false;
  const tableOffset = Number(content.readBigUInt64LE(32));
  const entryBytes = content.readUInt16LE(54);
  const entries = Array.from(
    { length: content.readUInt16LE(56) },
    (_, index) => tableOffset + index * entryBytes,
  );
  return entries.every(
    (offset) => offset + 4 <= content.length && content.readUInt32LE(offset) !== PT_INTERP,
  );
}

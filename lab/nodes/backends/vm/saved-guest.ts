import { statfs } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Cache, Staging } from '../../../artifacts/cache/cache.ts';
import { stampOf } from '../../../artifacts/cache/fingerprint.ts';
import { LabError } from '../../../core/lab-error.ts';
import type { ArtifactsDisk } from './artifacts-disk.ts';
import { qemuArgs, type Machine } from './qemu-args.ts';
import { openQmp, type Qmp } from './qemu.ts';

export interface SavedGuestsOptions {
  readonly cache: Cache;
  readonly qemu: string;
  readonly machine: Machine;
  readonly artifactsDisk: ArtifactsDisk;
}

/** A guest that was saved, or may be. Only an optimisation: whatever is wrong with it, a cold boot is always right. */
export interface SavedGuest {
  /** QEMU's arguments to go on where it was saved, if it is here for this very QEMU, processor and kernel, and undamaged. */
  resumeArgs(): Promise<readonly string[] | undefined>;
  /** It did not serve: the next one saves another. */
  discard(): Promise<void>;
  /**
   * Saves a guest, which then goes on. Returns when it may; what is saved is put into its place meanwhile. Does nothing
   * when another lab is saving one just now, or when there is little room.
   */
  save(qmpHostPath: string): Promise<void>;
}

const SAVED = 'guest.saved';
const SAVED_WITHIN_MS = 60_000;
/** Of these, those that were of use last are kept; a set of versions has some 250 MB of either. */
const KEPT = { names: ['vm-saved-guest', 'vm-artifacts'], bytes: 8 * 1024 ** 3 };
const ROOM_BYTES = 4 * 1024 ** 3;

/**
 * Guests at two points of their way. Both wait for one line of the lab that says which node they are (internal/guest of
 * images/node-tools): all that is a certain node's comes from it. So any number of guests can be resumed from one, at once
 * and on another day, and are what a fresh boot would have made them.
 */
export function savedGuests(options: SavedGuestsOptions) {
  const { artifactsDisk } = options;
  return {
    /** One that has booted. It has seen how large the disk of artifacts is, and nothing else of it. */
    booted: savedGuest(options, { capacityBytes: artifactsDisk.capacityBytes }),
    /** One with all of a preparation done, containerd up: from the very same disk. */
    prepared: (preparation: string) =>
      savedGuest(options, { preparation, artifactsDisk: stampOf(artifactsDisk.hostPath) }),
  };
}

function savedGuest(
  options: SavedGuestsOptions,
  point: Readonly<Record<string, string | number | undefined>>,
): SavedGuest {
  const { cache } = options;
  const request = requestFor(options, point);
  return {
    async resumeArgs() {
      await cache.used(request);
      const found = await cache.find(request);
      return found === undefined
        ? undefined
        : ['-incoming', `exec:cat ${quoted(join(found.hostPath, SAVED))}`];
    },

    discard: () => cache.discard(request),

    save(qmpHostPath) {
      return new Promise((goOn) => {
        const busy = new AbortController();
        cache
          .make(request, { signal: busy.signal, onWait: () => busy.abort() }, async (staging) => {
            if (!(await hasRoom(staging))) return;
            try {
              await saveTo(staging, qmpHostPath);
            } finally {
              goOn();
            }
            const { machine, qemu } = options;
            await cache.publish(request, staging, {
              name: 'vm-saved-guest',
              version: machine.acceleration,
              source: 'own',
              madeBy: `booted by ${qemu}`,
            });
            await cache.prune(KEPT.names, KEPT.bytes);
          })
          .catch(() => undefined) // no room, no lock, a QEMU without migration: then every boot is a cold one
          .finally(goOn);
      });
    },
  };
}

async function hasRoom({ treeHostPath }: Staging): Promise<boolean> {
  const { bavail, bsize } = await statfs(treeHostPath);
  return bavail * bsize > ROOM_BYTES;
}

/** All that a saved guest must have in common with the QEMU that resumes it. */
function requestFor({ qemu, machine }: SavedGuestsOptions, point: object): string {
  const processor = cpus()[0]?.model ?? '';
  return JSON.stringify({
    own: 'vm-saved-guest',
    args: qemuArgs({ ...machine, name: '', artifactsDiskHostPath: '' }),
    qemu,
    qemuStamp: stampOf(qemu),
    processor,
    ...point,
    revision: 3,
  });
}

async function saveTo({ treeHostPath }: Staging, qmpHostPath: string): Promise<void> {
  const qmp = await openQmp(qmpHostPath);
  try {
    await qmp.ask('migrate-set-parameters', { 'max-bandwidth': 2 ** 40, 'downtime-limit': 2000 });
    await qmp.ask('migrate', { uri: `exec:cat > ${quoted(join(treeHostPath, SAVED))}` });
    await migrated(qmp);
  } catch (thrown) {
    await qmp.ask('migrate_cancel'); // else it would stop the guest when it comes to its end after all
    throw thrown;
  } finally {
    await qmp.ask('cont').finally(() => qmp.close());
  }
}

async function migrated(qmp: Qmp): Promise<void> {
  for (let waitedMs = 0; waitedMs < SAVED_WITHIN_MS; waitedMs += 10) {
    const answer = await qmp.ask('query-migrate');
    const status =
      typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled')
      throw new LabError(`the guest was not saved: ${status}`);
    await sleep(10);
  }
  throw new LabError(`the guest was not saved within ${SAVED_WITHIN_MS} ms`);
}

const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

import { statfs } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Cache, Staging } from '../../../artifacts/cache/cache.ts';
import { stampOf } from '../../../artifacts/cache/fingerprint.ts';
import { LabError, messageOf } from '../../../core/lab-error.ts';
import type { ArtifactsDisk } from './artifacts-disk.ts';
import { qemuArgs, type Machine } from './qemu-args.ts';
import { openQmp, type Qmp } from './qemu.ts';

export interface SavedGuestsOptions {
  readonly cache: Cache;
  readonly qemu: string;
  readonly machine: Machine;
  readonly artifactsDisk: ArtifactsDisk;
}

/**
 * A saved guest, or a place for one. It is only an optimisation: whatever is wrong with it, a cold boot always works.
 */
export interface SavedGuest {
  /**
   * The arguments for QEMU to resume it. Undefined if there is no undamaged saved guest for exactly this QEMU,
   * processor and kernel.
   */
  resumeArgs(): Promise<readonly string[] | undefined>;
  /** Resuming it did not work. It is removed, so that the next guest is saved. */
  discard(): Promise<void>;
  /**
   * Saves a guest, which then continues. Returns when the guest continues; the saved files are moved into place in
   * the background. Does nothing if another lab is saving one at the moment, or if there is little space. Throws
   * LabError if the machine runs and does not continue.
   */
  save(qmpHostPath: string): Promise<void>;
}

const SAVED = 'guest.saved';
const SAVED_WITHIN_MS = 60_000;
const CONTINUED_WITHIN_MS = 20_000;
/** The most recently used files of these are kept. A set of versions needs about 250 MB for each of the two. */
const KEPT = { names: ['vm-saved-guest', 'vm-artifacts'], bytes: 8 * 1024 ** 3 };
const ROOM_BYTES = 4 * 1024 ** 3;

/**
 * Guests that are saved at one of two points. At both, the guest waits for one line from the lab that says which node
 * it is (internal/guest of images/node-tools). Everything specific to a node comes from this line. So any number of
 * guests can be resumed from one saved guest, at once or on another day, and equal guests of a fresh boot.
 */
export function savedGuests(options: SavedGuestsOptions) {
  const { artifactsDisk } = options;
  return {
    /** A guest that has booted. It has seen the size of the disk of artifacts, and nothing else of it. */
    booted: savedGuest(options, { capacityBytes: artifactsDisk.capacityBytes }),
    /** A guest with the complete preparation done and the runtime started. It needs exactly the same disk. */
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
      return new Promise((goOn, stuck) => {
        const busy = new AbortController();
        cache
          .make(request, { signal: busy.signal, onWait: () => busy.abort() }, async (staging) => {
            if (!(await hasRoom(staging))) return;
            const qmp = await openQmp(qmpHostPath);
            try {
              await saveGuest(qmp, join(staging.treeHostPath, SAVED));
            } finally {
              // the link of a machine that has ended reports why
              await continueGuest(qmp).then(goOn, (error: LabError) =>
                qmp.isOpen() ? stuck(error) : goOn(),
              );
              qmp.close();
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
          .catch(() => undefined) // no space, no lock, or a QEMU without migration: then every boot is a cold boot
          .finally(goOn);
      });
    },
  };
}

async function hasRoom({ treeHostPath }: Staging): Promise<boolean> {
  const { bavail, bsize } = await statfs(treeHostPath);
  return bavail * bsize > ROOM_BYTES;
}

/** Everything that must be equal for a saved guest and the QEMU that resumes it. */
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

async function saveGuest(qmp: Qmp, hostPath: string): Promise<void> {
  try {
    await qmp.ask('migrate-set-parameters', { 'max-bandwidth': 2 ** 40, 'downtime-limit': 2000 });
    await qmp.ask('migrate', { uri: `exec:cat > ${quoted(hostPath)}` });
    await migrated(qmp);
  } catch (thrown) {
    await qmp.ask('migrate_cancel'); // otherwise it would stop the guest if it completes later
    throw thrown;
  }
}

/**
 * Lets a guest continue that was saved, or that could not be saved. QEMU reports a migration as completed shortly before
 * it accepts `cont`; in between it answers "Migration is not finalized yet" (seen with 7.2: once in 300 times).
 */
export async function continueGuest(qmp: Pick<Qmp, 'ask'>, withinMs = CONTINUED_WITHIN_MS): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      await qmp.ask('cont');
      return;
    } catch (thrown) {
      if (!messageOf(thrown).includes('not finalized') || performance.now() > deadlineMs)
        throw new LabError(`the machine does not continue after it was saved: ${messageOf(thrown)}`);
    }
    await sleep(10);
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

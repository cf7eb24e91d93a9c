import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Cache, Staging } from '../../../artifacts/cache.ts';
import { stampOf } from '../../../artifacts/fingerprint.ts';
import { LabError } from '../../../core/lab-error.ts';
import { type Machine } from './qemu-args.ts';
import { openQmp, type Qmp } from './qmp.ts';

export interface SavedGuestOptions {
  readonly cache: Cache;
  readonly qemu: string;
  readonly machine: Machine;
  /** of the artifacts' disk: the guest has seen how large it is, and nothing else of it */
  readonly capacityBytes: number;
}

const SAVED = 'guest.saved';
const SAVED_WITHIN_MS = 60_000;

/**
 * A guest that has booted and waits to be told which node it is: all that is a certain node's comes after, from one line
 * of the lab (images/node-tools/internal/guest/begin.go). So any number of guests can be resumed from it, at once and on
 * another day, and are what a fresh boot would have made them. Only an optimisation: whatever is wrong with it, or with
 * finding or making it, a cold boot is always right.
 */
export function savedGuest(options: SavedGuestOptions) {
  const { cache } = options;
  const request = requestFor(options);
  return {
    /** Where it lies, if there is one for this very QEMU, processor, kernel and files, and undamaged. */
    async find(): Promise<string | undefined> {
      const found = await cache.find(request);
      return found === undefined ? undefined : join(found.hostPath, SAVED);
    },

    /** It did not serve: the next boot saves another. */
    forget: () => cache.forget(request),

    /**
     * Saves a guest that has booted, which then goes on. Returns when it may; what is saved is put into its place
     * meanwhile. Does nothing when another lab is saving one just now.
     */
    save(qmpHostPath: string): Promise<void> {
      return new Promise((goOn) => {
        const busy = new AbortController();
        cache
          .make(request, { signal: busy.signal, onWait: () => busy.abort() }, async (staging) => {
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
          })
          .catch(() => goOn()); // no room, no lock, a QEMU without migration: then every boot is a cold one
      });
    },
  };
}

/** All that a saved guest must have in common with the QEMU that resumes it. */
function requestFor({ qemu, machine, capacityBytes }: SavedGuestOptions): string {
  const processor = cpus()[0]?.model ?? '';
  return JSON.stringify({
    own: 'vm-saved-guest',
    ...machine,
    qemu,
    qemuStamp: stampOf(qemu),
    processor,
    capacityBytes,
    revision: 1,
  });
}

async function saveTo({ treeHostPath }: Staging, qmpHostPath: string): Promise<void> {
  const qmp = await openQmp(qmpHostPath);
  try {
    await qmp.ask('migrate-set-parameters', { 'max-bandwidth': 2 ** 40, 'downtime-limit': 2000 });
    await qmp.ask('migrate', { uri: `exec:cat > ${quoted(join(treeHostPath, SAVED))}` });
    await migrated(qmp);
    await qmp.ask('cont');
  } finally {
    qmp.close();
  }
}

async function migrated(qmp: Qmp): Promise<void> {
  for (let waitedMs = 0; waitedMs < SAVED_WITHIN_MS; waitedMs += 10) {
    const said = await qmp.ask('query-migrate');
    const status = typeof said === 'object' && said !== null && 'status' in said ? said.status : undefined;
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled')
      throw new LabError(`the guest was not saved: ${status}`);
    await sleep(10);
  }
  throw new LabError(`the guest was not saved within ${SAVED_WITHIN_MS} ms`);
}

/** QEMU's arguments for a guest that goes on where it was saved. */
export const resumeArgs = (savedHostPath: string): readonly string[] => [
  '-incoming',
  `exec:cat ${quoted(savedHostPath)}`,
];

const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

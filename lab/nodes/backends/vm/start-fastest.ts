import type { Artifact } from '../../../artifacts/artifact.ts';
import type { Cache } from '../../../artifacts/cache/cache.ts';
import { LabError } from '../../../core/lab-error.ts';
import type { Clock } from '../../../core/ports.ts';
import type { NodeOptions, RunningNode } from '../../node.ts';
import { artifactsDisk } from './artifacts-disk.ts';
import { startVmNode, type InGroup, type VmNode } from './node.ts';
import { qemuArgs, type Acceleration, type Machine } from './qemu-args.ts';
import { savedGuests, type SavedGuest } from './saved-guest.ts';

/** What all machines of one session have in common. */
export interface Setting {
  readonly qemu: string;
  readonly machine: Machine;
  readonly nodeTools: Artifact;
  readonly cache: Cache;
  readonly stateHostPath: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** TCG needs 3 to 10 s on a machine that runs two of them. */
const READY_WITHIN_MS: Readonly<Record<Acceleration, number>> = { kvm: 30_000, tcg: 120_000 };

/** A saved guest that takes longer has no advantage. Then a fresh one is booted. */
const RESUMED_WITHIN_MS = 30_000;

/**
 * Resumes a guest that was saved after the same preparation, or else one that was saved after its boot, or else boots a
 * new one.
 */
export async function startFastest(
  setting: Setting,
  options: NodeOptions,
  inGroup?: InGroup,
): Promise<RunningNode> {
  const { qemu, cache, signal } = setting;
  const machine = { ...setting.machine, ...(inGroup && { inGroup: true }) };
  const { name, preparation } = options;
  const artifacts = [...new Map(options.artifacts.map((artifact) => [artifact.key, artifact])).values()];
  const disk = await artifactsDisk(artifacts, { cache, signal });
  const argv = [qemu, ...qemuArgs({ ...machine, name, artifactsDiskHostPath: disk.hostPath })];
  const guests = savedGuests({ cache, qemu, machine, artifactsDisk: disk });

  async function resume(saved: SavedGuest, check?: (node: VmNode) => Promise<void>) {
    const resumeArgs = await saved.resumeArgs();
    if (resumeArgs === undefined) return undefined;
    let node: VmNode | undefined;
    try {
      node = await startVmNode({
        ...setting,
        ...{ name, artifacts, inGroup },
        argv: [...argv, ...resumeArgs],
        readyWithinMs: RESUMED_WITHIN_MS,
      });
      await check?.(node);
      return node;
    } catch (thrown) {
      await node?.end();
      if (signal.aborted) throw thrown;
      await saved.discard();
      return undefined;
    }
  }
  const boot = () =>
    startVmNode({
      ...setting,
      ...{ name, artifacts, inGroup },
      argv,
      readyWithinMs: READY_WITHIN_MS[machine.acceleration],
      beforeBegin: (monitorHostPath) => guests.booted.save(monitorHostPath),
    });

  if (preparation === undefined) return (await resume(guests.booted)) ?? boot();
  // what a node knows about its group is part of its saved state, so the preparation includes it
  const place = inGroup === undefined ? '' : JSON.stringify(inGroup.member);
  const prepared = guests.prepared(`${await preparation()}${place}`);
  const resumed = await resume(prepared, answersAsBefore);
  if (resumed !== undefined) return { ...resumed, runtimeStartedBy: 'node' };
  const fresh = (await resume(guests.booted)) ?? (await boot());
  return { ...fresh, savePrepared: () => prepared.save(fresh.monitorHostPath) };
}

/** Checks that its runtime answers, as it did when it was saved. */
async function answersAsBefore(node: VmNode): Promise<void> {
  const status = await node.runtimeStatus();
  if (!status.answered)
    throw new LabError(`the runtime on ${node.name} does not answer any more: ${status.why}`);
}

import { join } from 'node:path';

import type { Artifact } from '../../artifacts/artifact.ts';
import { createCache } from '../../artifacts/cache.ts';
import { LabError } from '../../core/lab-error.ts';
import { createLeashedExec } from '../../host/exec.ts';
import type { Arch } from '../../plan/pins.ts';
import type { Backend, NodeOptions, RunningNode } from '../node.ts';
import { chooseAcceleration, describeAcceleration } from './vm/acceleration.ts';
import { artifactsDisk } from './vm/artifacts-disk.ts';
import { endNode, nodesOf, recordOf, sweepRecords } from './node-records.ts';
import { qemuArgs, type Acceleration, type Machine } from './vm/qemu-args.ts';
import { checkQemu, findQemu } from './vm/qemu.ts';
import { runOnTerminal } from './run-on-terminal.ts';
import { resumeArgs, savedGuest } from './vm/saved-guest.ts';
import { startVmNode } from './vm/node.ts';

export interface VmBackendOptions {
  readonly arch: Arch;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheHostPath: string;
  /** where the records of nodes are, and a folder for each node that is up */
  readonly stateHostPath: string;
  /** what is known of this host */
  readonly rememberedHostPath: string;
}

/** Enough for a containerd of today with a few pods; a guest takes from its host only what it has touched. */
const MEMORY_MIB = 1024;
const CPUS = 2;
/** TCG takes 3 to 10 s on a machine that is busy with two of them. */
const READY_WITHIN_MS: Readonly<Record<Acceleration, number>> = { kvm: 30_000, tcg: 120_000 };

/** A saved guest that takes longer is not worth it: then a fresh one is booted. */
const RESUMED_WITHIN_MS = 30_000;

/** Nodes that are virtual machines of QEMU's, each with a kernel of its own. */
export function vmBackend(options: VmBackendOptions): Backend {
  const { arch, platform, env, cacheHostPath, stateHostPath } = options;
  const exec = createLeashedExec({ env });
  const cache = createCache({ cacheHostPath, env });
  const search = { arch, platform, named: env['CNILAB_QEMU'], path: env['PATH'] };
  return {
    name: 'vm',
    jobsPerCore: 1,
    async check() {
      const check = await checkQemu(search, exec);
      if (!check.works) return check;
      return { ...check, how: `${check.how}, ${await describeAcceleration(options.rememberedHostPath)}` };
    },
    async prepare({ own, signal }) {
      const qemu = findQemu(search);
      if (qemu === undefined) throw new LabError('QEMU is gone since it was looked for');
      const [nodeTools, kernel, root, initrd] = await Promise.all([
        own('node-tools'),
        own('vm-kernel'),
        own('vm-root'),
        own('vm-initrd'),
      ]);
      const machine = machineOf({ arch, kernel, root, initrd });
      const acceleration = await chooseAcceleration({ ...options, exec, qemu, machine });
      const start = async ({ name, artifacts }: NodeOptions): Promise<RunningNode> => {
        const wanted = [...new Map(artifacts.map((artifact) => [artifact.key, artifact])).values()];
        const disk = await artifactsDisk(wanted, { cache, signal });
        const args = qemuArgs({ ...machine, name, acceleration, artifactsDiskHostPath: disk.hostPath });
        const node = { name, artifacts: wanted, nodeTools, stateHostPath, signal };
        const saved = savedGuest({ ...disk, cache, qemu, machine: { ...machine, acceleration } });
        const savedHostPath = await saved.find();
        if (savedHostPath !== undefined) {
          const argv = [qemu, ...args, ...resumeArgs(savedHostPath)];
          const readyWithinMs = RESUMED_WITHIN_MS;
          const resumed = await startVmNode({ ...node, argv, readyWithinMs }).catch((thrown: unknown) => {
            if (signal.aborted) throw thrown;
            return saved.forget();
          });
          if (resumed !== undefined) return resumed;
        }
        return startVmNode({
          ...node,
          argv: [qemu, ...args],
          readyWithinMs: READY_WITHIN_MS[acceleration],
          beforeBegin: (monitorHostPath) => saved.save(monitorHostPath),
        });
      };
      return { artifacts: [nodeTools, kernel, root, initrd], start, end: async () => undefined };
    },
    sweep: () => sweepRecords(stateHostPath),
    nodes: () => nodesOf(stateHostPath),
    async down(name) {
      await endNode(stateHostPath, await recordOf(stateHostPath, name));
    },
    async enter(name, argv, terminal) {
      const { agent, folder } = await recordOf(stateHostPath, name);
      if (folder === undefined) throw new LabError(`the record of ${name} names no folder`);
      const command = argv.length === 0 ? ['bash'] : argv;
      return runOnTerminal([agent, 'session', '--folder', folder, '--', ...command], terminal);
    },
  };
}

function machineOf(parts: {
  readonly arch: Arch;
  readonly kernel: Artifact;
  readonly root: Artifact;
  readonly initrd: Artifact;
}): Omit<Machine, 'acceleration'> {
  return {
    arch: parts.arch,
    cpus: CPUS,
    memoryMiB: MEMORY_MIB,
    kernelHostPath: join(parts.kernel.hostPath, 'vmlinuz'),
    initrdHostPath: join(parts.initrd.hostPath, 'initrd'),
    rootDiskHostPath: join(parts.root.hostPath, 'root.erofs'),
  };
}

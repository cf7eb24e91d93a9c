import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import type { Artifact } from '../../artifacts/artifact.ts';
import { createCache } from '../../artifacts/cache/cache.ts';
import { LabError } from '../../core/lab-error.ts';
import type { Clock } from '../../core/ports.ts';
import { createLeashedExec } from '../../host/exec.ts';
import type { Arch } from '../../core/components.ts';
import { memberNamed, membersOf } from '../group.ts';
import type { Backend, NodeOptions } from '../node.ts';
import { chooseAcceleration, describeAcceleration, checkQemu, findQemu } from './vm/qemu.ts';
import { endNode, nodesOf, recordOf, sweepRecords } from './node-records.ts';
import type { Machine } from './vm/qemu-args.ts';
import { runOnTerminal, startSegment } from './launcher.ts';
import type { InGroup } from './vm/node.ts';
import { startFastest } from './vm/start-fastest.ts';

export interface VmBackendOptions {
  readonly arch: Arch;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheHostPath: string;
  /** where the records of nodes are, and a directory for each running node */
  readonly stateHostPath: string;
  readonly clock: Clock;
  /** stored facts about this host */
  readonly rememberedHostPath: string;
}

/** Enough for a current containerd with a few pods. A guest only uses the memory of its host that it has touched. */
const MEMORY_MIB = 1024;
const CPUS = 2;

/** Nodes that are QEMU virtual machines, each with its own kernel. */
export function vmBackend(options: VmBackendOptions): Backend {
  const { arch, platform, env, cacheHostPath, stateHostPath, clock } = options;
  const exec = createLeashedExec({ env });
  const cache = createCache({ cacheHostPath, env });
  const search = { arch, platform, named: env['CNILAB_QEMU'], path: env['PATH'] };
  return {
    name: 'vm',
    jobsPerCore: 1,
    inotifyPerClusterNode: 0, // a guest has a kernel of its own
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
      const setting = {
        qemu,
        machine: { ...machine, acceleration },
        nodeTools,
        cache,
        stateHostPath,
        clock,
        signal,
      };
      const start = (node: NodeOptions, inGroup?: InGroup) =>
        startFastest(
          { ...setting, machine: { ...setting.machine, ...memoryOf(node.limits?.memoryBytes) } },
          node,
          inGroup,
        );
      return {
        artifacts: [nodeTools, kernel, root, initrd],
        emulated: acceleration === 'tcg',
        start: (node) => start(node),
        async group(nodes) {
          const members = membersOf(nodes);
          const socket = `cnilab-${randomUUID()}`;
          const segment = await startSegment(nodeTools, nodes[0]?.name ?? '', ['--switch', socket]);
          return {
            start: (node) => start(node, { socket, member: memberNamed(members, node.name) }),
            close: () => segment.close(),
          };
        },
        end: async () => undefined,
      };
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

const memoryOf = (bytes: number | undefined) =>
  bytes === undefined ? {} : { memoryMiB: Math.ceil(bytes / 1024 ** 2) };

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

import type { Arch } from '../../../core/components.ts';

export type Acceleration = 'kvm' | 'tcg';

export interface Machine {
  readonly arch: Arch;
  readonly acceleration: Acceleration;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly kernelHostPath: string;
  readonly initrdHostPath: string;
  readonly rootDiskHostPath: string;
  /** whether it is in a group and has a network device */
  readonly inGroup?: boolean;
}

export interface NodeMachine extends Machine {
  /** its name in the output of `ps` on the host */
  readonly name: string;
  readonly artifactsDiskHostPath: string;
}

/**
 * Files in the working directory of QEMU. images/node-tools/internal/launcher/vm.go and internal/session use the same
 * names.
 */
export const CONSOLE_LOG = 'console.log';
export const MONITOR = 'monitor';
const SESSIONS = [1, 2];

/**
 * The arguments of QEMU: a machine without a network, and a kernel that QEMU itself starts. Its only connections are
 * the port of the agent, which is standard input and output of QEMU, two ports for manual commands, and the console,
 * which is only written to. The machine type `microvm` would be half a second faster, but fails as docs/architecture.md
 * describes.
 */
export function qemuArgs(machine: NodeMachine): readonly string[] {
  const { cpus, memoryMiB, kernelHostPath, initrdHostPath, rootDiskHostPath, artifactsDiskHostPath } =
    machine;
  return [
    ...machineArgs(machine),
    ...['-name', machine.name],
    ...['-smp', String(cpus), '-m', String(memoryMiB)],
    ...['-kernel', kernelHostPath, '-initrd', initrdHostPath, '-append', commandLine(machine)],
    ...['-qmp', `unix:${MONITOR},server=on,wait=off`],
    ...['-chardev', `file,id=console,path=${CONSOLE_LOG}`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', 'stdio,id=agent,signal=off', '-device', 'virtserialport,chardev=agent,nr=1'],
    ...SESSIONS.flatMap((number) => [
      ...['-chardev', `socket,id=session${number},path=session-${number},server=on,wait=off`],
      ...['-device', `virtserialport,chardev=session${number},nr=${number + 1}`],
    ]),
    ...disk('root', rootDiskHostPath),
    ...disk('artifacts', artifactsDiskHostPath),
    ...(machine.inGroup ? NETWORK : []),
  ];
}

/**
 * The launcher connects it to the switch of the group. Its MAC address is set together with the name of the node,
 * because a saved guest has no place in a group yet.
 */
const NETWORK = [
  ...['-netdev', 'socket,id=segment,fd=3'],
  ...['-device', 'virtio-net-pci,netdev=segment,romfile='],
];

/**
 * Many machines read one file. The guest finds a disk by its serial number, because QEMU decides the order of virtio
 * devices.
 */
function disk(name: string, hostPath: string): readonly string[] {
  const file = { driver: 'file', filename: hostPath, 'read-only': true, locking: 'off' };
  return [
    ...['-blockdev', JSON.stringify({ driver: 'raw', 'node-name': name, 'read-only': true, file })],
    ...['-device', `virtio-blk-pci,drive=${name},serial=${name}`],
  ];
}

/** A machine that only starts its kernel, which then ends it. */
export function probeArgs(machine: Machine): readonly string[] {
  return [
    ...machineArgs(machine),
    ...['-smp', '1', '-m', '256'],
    ...['-kernel', machine.kernelHostPath, '-append', commandLine(machine)],
    ...['-serial', 'none'],
  ];
}

function machineArgs({ arch, acceleration }: Machine): readonly string[] {
  const type =
    arch === 'amd64' ? 'q35,usb=off,vmport=off,smbus=off,sata=off,hpet=off' : 'virt,gic-version=max';
  const cpu = acceleration === 'kvm' ? 'host' : 'max';
  return [
    ...['-machine', type, '-accel', acceleration, '-cpu', cpu],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
  ];
}

function commandLine({ arch }: Machine): string {
  const ofArch = arch === 'amd64' ? ['console=ttyS0', 'reboot=t', 'tsc=reliable'] : ['console=ttyAMA0'];
  const words = [...ofArch, 'quiet', 'loglevel=4', 'panic=-1', 'mitigations=off', 'cryptomgr.notests'];
  return [...words, 'rdinit=/agent', '--', 'boot'].join(' ');
}

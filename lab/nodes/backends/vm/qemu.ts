import { existsSync } from 'node:fs';

import type { Exec } from '../../../core/ports.ts';
import { findProgram } from '../../../host/exec.ts';
import type { Arch } from '../../../core/components.ts';
import type { BackendCheck } from '../../node.ts';

export interface FindQemuOptions {
  readonly arch: Arch;
  readonly platform: NodeJS.Platform;
  /** CNILAB_QEMU: another binary than the one on the PATH */
  readonly named: string | undefined;
  readonly path: string | undefined;
}

const PROGRAMS = { amd64: 'qemu-system-x86_64', arm64: 'qemu-system-aarch64' } as const;
const PACKAGES = { amd64: 'qemu-system-x86', arm64: 'qemu-system-arm' } as const;

/** Where QEMU is on this host; undefined when it is not. Costs no child process. */
export function findQemu({ arch, named, path }: FindQemuOptions): string | undefined {
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  return findProgram(PROGRAMS[arch], path);
}

/** Whether nodes can be virtual machines here, and which QEMU would run them. */
export async function checkQemu(options: FindQemuOptions, exec: Exec): Promise<BackendCheck> {
  const { arch, platform, named } = options;
  if (platform !== 'linux')
    return {
      works: false,
      why: `a virtual machine is started by a program for Linux, and this is ${platform}`,
      waysOut: ['run the lab in a Linux virtual machine, or use the container backend'],
    };
  const qemu = findQemu(options);
  if (qemu === undefined)
    return {
      works: false,
      why: named
        ? `CNILAB_QEMU names ${named}, which is not there`
        : `there is no ${PROGRAMS[arch]} on the PATH`,
      waysOut: [
        `install QEMU: apt install ${PACKAGES[arch]}, dnf install qemu-system-${arch === 'amd64' ? 'x86' : 'aarch64'}-core`,
        'or name one: CNILAB_QEMU=/path/to/qemu',
      ],
    };
  const asked = await exec([qemu, '--version'], { timeoutMs: 10_000 });
  const version = /version (\S+)/.exec(asked.stdout)?.[1];
  if (asked.exitCode !== 0 || version === undefined)
    return {
      works: false,
      why: `${qemu} --version does not work: ${asked.stderr.trim() || `exit ${asked.exitCode}`}`,
      waysOut: [`install QEMU anew: apt install --reinstall ${PACKAGES[arch]}`],
    };
  return { works: true, how: `QEMU ${version}` };
}

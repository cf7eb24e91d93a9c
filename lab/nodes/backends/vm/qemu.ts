import { existsSync, accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import * as v from 'valibot';

import type { Exec } from '../../../core/ports.ts';
import { findProgram } from '../../../host/exec.ts';
import type { Arch } from '../../../core/components.ts';
import type { BackendCheck } from '../../node.ts';
import { LabError } from '../../../core/lab-error.ts';
import { readJson } from '../../../core/json.ts';
import { stampOf } from '../../../artifacts/cache/fingerprint.ts';
import { probeArgs, type Acceleration, type Machine } from './qemu-args.ts';

export interface FindQemuOptions {
  readonly arch: Arch;
  readonly platform: NodeJS.Platform;
  /** CNILAB_QEMU: another binary than the one in the PATH */
  readonly named: string | undefined;
  readonly path: string | undefined;
}

const PROGRAMS = { amd64: 'qemu-system-x86_64', arm64: 'qemu-system-aarch64' } as const;
const PACKAGES = { amd64: 'qemu-system-x86', arm64: 'qemu-system-arm' } as const;

/** The path of QEMU on this host; undefined if it is not installed. Starts no child process. */
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
      waysOut: [`install QEMU again: apt install --reinstall ${PACKAGES[arch]}`],
    };
  return { works: true, how: `QEMU ${version}` };
}

/** The monitor of QEMU: one connection, one command at a time. */
export interface Qmp {
  /** Returns the result, or throws LabError with the message of QEMU. */
  ask(command: string, options?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** False when QEMU has ended. */
  isOpen(): boolean;
  close(): void;
}

/** An answer, or an event that was not requested. */
const MESSAGE = v.looseObject({ return: v.exactOptional(v.unknown()), error: v.exactOptional(v.unknown()) });

/** https://www.qemu.org/docs/master/interop/qmp-spec.html; events are ignored. */
export async function openQmp(socketHostPath: string): Promise<Qmp> {
  const socket = connect(socketHostPath);
  socket.setEncoding('utf8');
  let waiting:
    { readonly answer: (value: unknown) => void; readonly fail: (error: LabError) => void } | undefined;
  let rest = '';
  const fail = (why: string) => waiting?.fail(new LabError(`QEMU's monitor: ${why}`));
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('it is gone'));
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  const take = (line: string): void => {
    const message = readJson(MESSAGE, line) ?? {};
    if ('return' in message) waiting?.answer(message.return);
    if ('error' in message) fail(JSON.stringify(message.error));
  };
  const ask: Qmp['ask'] = (command, options) =>
    new Promise((answer, refuse) => {
      waiting = { answer, fail: refuse };
      if (socket.destroyed) fail('it is gone');
      else socket.write(`${JSON.stringify({ execute: command, ...(options && { arguments: options }) })}\n`);
    });
  await ask('qmp_capabilities');
  return { ask, isOpen: () => !socket.destroyed, close: () => socket.destroy() };
}

export interface AccelerationOptions {
  readonly exec: Exec;
  readonly qemu: string;
  readonly machine: Omit<Machine, 'acceleration'>;
  /** where the answer is stored; several labs on one host may need it at once */
  readonly rememberedHostPath: string;
}

const PROBE_WITHIN_MS = 2000;
const KVM = '/dev/kvm';

/**
 * KVM if a kernel runs with it. This is tried once per boot of this host, QEMU and kernel, because some hosts have a
 * /dev/kvm with which no machine starts. The kernel gets no root file system, so it panics and the machine ends: that
 * counts as running.
 */
export async function chooseAcceleration(options: AccelerationOptions): Promise<Acceleration> {
  const { exec, qemu, machine, rememberedHostPath } = options;
  if (!canOpen(KVM)) return 'tcg';
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const asked = JSON.stringify([bootId.trim(), qemu, stampOf(qemu), machine.kernelHostPath]);
  const remembered = await rememberedIn(rememberedHostPath);
  if (remembered?.asked === asked) return remembered.answer;

  const argv = [qemu, ...probeArgs({ ...machine, acceleration: 'kvm' })];
  const tried = await exec(argv, { timeoutMs: PROBE_WITHIN_MS });
  const answer = tried.exitCode === 0 && !tried.timedOut ? 'kvm' : 'tcg';
  await mkdir(dirname(rememberedHostPath), { recursive: true });
  const halfway = `${rememberedHostPath}.${process.pid}-${randomUUID()}.new`;
  await writeFile(halfway, JSON.stringify({ asked, answer }));
  await rename(halfway, rememberedHostPath);
  return answer;
}

/** The acceleration for people, from what is stored. Nothing is tried. */
export async function describeAcceleration(rememberedHostPath: string): Promise<string> {
  if (!canOpen(KVM)) return `no KVM (${KVM} cannot be opened), so TCG`;
  const remembered = await rememberedIn(rememberedHostPath);
  if (remembered === undefined) return 'KVM is tried with the first node';
  return remembered.answer === 'kvm' ? 'KVM' : `TCG, as nothing came up with ${KVM}`;
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const REMEMBERED = v.object({ asked: v.string(), answer: v.picklist(['kvm', 'tcg']) });

/** Undefined if nothing usable is stored. Then it is tried again. */
async function rememberedIn(
  hostPath: string,
): Promise<{ readonly asked: string; readonly answer: Acceleration } | undefined> {
  return readJson(REMEMBERED, await readFile(hostPath, 'utf8').catch(() => ''));
}

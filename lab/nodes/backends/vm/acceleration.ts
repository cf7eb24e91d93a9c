import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import * as v from 'valibot';

import { stampOf } from '../../../artifacts/cache/fingerprint.ts';
import { readJson } from '../../../core/machine-json.ts';
import type { Exec } from '../../../core/ports.ts';
import { probeArgs, type Acceleration, type Machine } from './qemu-args.ts';

export interface AccelerationOptions {
  readonly exec: Exec;
  readonly qemu: string;
  readonly machine: Omit<Machine, 'acceleration'>;
  /** where the answer is kept; one host may have it asked by several labs at once */
  readonly rememberedHostPath: string;
}

const PROBE_WITHIN_MS = 2000;
const KVM = '/dev/kvm';

/**
 * KVM where a kernel runs under it, tried once per boot of this host, QEMU and kernel: some hosts have a /dev/kvm under
 * which nothing ever comes up. The kernel is given no root, so it panics and the machine ends: that is "it runs".
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

/** What is known of it without a try, for people. */
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

/** Undefined where nothing is remembered, or nothing of use: then it is tried again. */
async function rememberedIn(
  hostPath: string,
): Promise<{ readonly asked: string; readonly answer: Acceleration } | undefined> {
  return readJson(REMEMBERED, await readFile(hostPath, 'utf8').catch(() => ''));
}

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Exec } from '../../core/ports.ts';
import type { ComponentName } from '../../core/components.ts';
import { NEEDED_PROGRAMS } from './component-files.ts';

export interface ProgramsToTry {
  readonly component: ComponentName;
  readonly binHostPath: string;
  readonly exec: Exec;
  readonly signal: AbortSignal;
}

/**
 * Why a component that was built elsewhere is of no use here: a program is missing, or does not start (the C library of
 * Debian sid's runc is newer than bookworm's). CNI plugins are only looked for: they start without libraries.
 */
export async function whyItDoesNotRun({
  component,
  binHostPath,
  exec,
  signal,
}: ProgramsToTry): Promise<string | undefined> {
  for (const program of NEEDED_PROGRAMS[component]) {
    const hostPath = join(binHostPath, program);
    if (statSync(hostPath, { throwIfNoEntry: false })?.isFile() !== true) return `has no ${program}`;
    if (component === 'cni-plugins') continue;
    const argv = [hostPath, program.startsWith('containerd-shim') ? '-v' : '--version'];
    const tried = await exec(argv, { signal, timeoutMs: 10_000 });
    if (tried.exitCode !== 0) return `does not run on this host: ${program}: ${firstLine(tried.stderr)}`;
  }
  return undefined;
}

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

import type { Seen } from './of-kind.ts';

export function describeCrash(name: string, { exitCode, signal }: Seen<'runtime-ended'>): string {
  return `${name} ended by itself (${exitCode === null ? (signal ?? 'by a signal') : `exit ${exitCode}`})`;
}

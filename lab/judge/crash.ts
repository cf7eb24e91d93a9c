import type { Seen } from './of-kind.ts';

export function describeCrash({ exitCode, signal }: Seen<'containerd-ended'>): string {
  return `containerd ended by itself (${exitCode === null ? (signal ?? 'by a signal') : `exit ${exitCode}`})`;
}

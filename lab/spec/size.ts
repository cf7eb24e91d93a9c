import { err, ok, type Result } from '../core/result.ts';

const UNITS: Readonly<Record<string, number>> = { MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `512MiB`, `2GiB` in bytes; the error says what was wanted. */
export function parseSize(text: string): Result<number, string> {
  const [, amount, unit = ''] = /^(\d+)(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(amount) * (UNITS[unit] ?? NaN);
  return Number.isSafeInteger(bytes) && bytes > 0 ? ok(bytes) : err('wanted a size such as 512MiB or 2GiB');
}

import { err, ok, type Result } from '../core/result.ts';
import { LIMITS } from './limits.ts';

const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `500ms`, `2m`, `1h` in milliseconds; the error says what was wanted. */
export function parseTime(text: string): Result<number, string> {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return err('wanted a time such as 30s, 500ms, 2m or 1h');
  return checkTimeout(Number(amount) * (TIME_UNITS[unit] ?? 1));
}

/** A limit that can be kept to. */
export function checkTimeout(timeoutMs: number): Result<number, string> {
  if (timeoutMs === 0) return err('nothing can be done in no time: wanted at least 1ms');
  return timeoutMs > LIMITS.timeoutMs ? err('wanted at most 24h') : ok(timeoutMs);
}

const SIZE_UNITS: Readonly<Record<string, number>> = { MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `512MiB`, `2GiB` in bytes; the error says what was wanted. */
export function parseSize(text: string): Result<number, string> {
  const [, amount, unit = ''] = /^(\d+)(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(amount) * (SIZE_UNITS[unit] ?? NaN);
  return Number.isSafeInteger(bytes) && bytes > 0 ? ok(bytes) : err('wanted a size such as 512MiB or 2GiB');
}

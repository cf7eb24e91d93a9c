import type { NodeLimits } from '../core/node-state.ts';
import { err, ok, type Result } from '../core/lab-error.ts';
import { didYouMean } from './diagnostic.ts';

/**
 * Maximum sizes of a scenario. They are far more than anybody needs, but small enough to report all mistakes at once.
 */
export const LIMITS = {
  fileBytes: 1024 * 1024,
  /** runs of one scenario */
  cells: 10_000,
  /** of one scenario */
  nodes: 16,
  /** characters of the name of one of several nodes, which is part of its host name */
  nodeName: 32,
  /** in one file */
  steps: 1_000,
  /** that are started at the same time */
  parallel: 32,
  /** steps of all runs of one scenario */
  plannedSteps: 100_000,
  /** characters of the name of a scenario, a pod, a container or an axis; the limit of a host name */
  name: 63,
  timeoutMs: 24 * 60 * 60 * 1000,
} as const;

/** The number of runs of a matrix, without creating them. */
export const cellCount = (matrix: readonly { readonly values: readonly string[] }[]): number =>
  matrix.reduce((product, { values }) => product * new Set(values).size, 1);

export const tooManyCells = (cells: number): string =>
  `the matrix has ${cells} combinations; a scenario has at most ${LIMITS.cells}`;

export const LIMIT_NAMES = ['memory', 'processes', 'tmpfs'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** With less memory, not even the runtime starts. */
export const LEAST_MEMORY_BYTES = 64 * 1024 ** 2;
export const LEAST_PROCESSES = 50;

/** One limit from a command line: `memory=512MiB`, `processes=500`. */
export function parseLimit(text: string): Result<NodeLimits, string> {
  const [, name = '', amount = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const wanted = `wanted ${LIMIT_NAMES.map((known) => `${known}=…`).join(', ')}; got ${JSON.stringify(text)}`;
  const known = LIMIT_NAMES.find((limit) => limit === name);
  return known === undefined ? err(`${wanted}${didYouMean(name, LIMIT_NAMES)}`) : limitOf(known, amount);
}

/** The limit with this name, from the text of its amount. The error has what was wanted and what was found. */
export function limitOf(name: LimitName, amount: string): Result<NodeLimits, string> {
  if (name === 'processes')
    return /^\d{1,9}$/.test(amount) && Number(amount) >= LEAST_PROCESSES
      ? ok({ processes: Number(amount) })
      : err(`wanted a whole number from ${LEAST_PROCESSES}; got ${JSON.stringify(amount)}`);
  const bytes = parseSize(amount);
  if (!bytes.ok) return err(`${bytes.error}; got ${JSON.stringify(amount)}`);
  if (name === 'tmpfs') return ok({ tmpfsBytes: bytes.value });
  return bytes.value < LEAST_MEMORY_BYTES
    ? err('a node needs at least 64MiB')
    : ok({ memoryBytes: bytes.value });
}

const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `500ms`, `2m`, `1h` in milliseconds. The error has what was wanted. */
export function parseTime(text: string): Result<number, string> {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return err('wanted a time such as 30s, 500ms, 2m or 1h');
  return checkTimeout(Number(amount) * (TIME_UNITS[unit] ?? 1));
}

/** Checks that the time is a usable limit. */
export function checkTimeout(timeoutMs: number): Result<number, string> {
  if (timeoutMs === 0) return err('nothing can be done in no time: wanted at least 1ms');
  return timeoutMs > LIMITS.timeoutMs ? err('wanted at most 24h') : ok(timeoutMs);
}

const SIZE_UNITS: Readonly<Record<string, number>> = { MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `512MiB`, `2GiB` in bytes. The error has what was wanted. */
export function parseSize(text: string): Result<number, string> {
  const [, amount, unit = ''] = /^(\d+)(MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(amount) * (SIZE_UNITS[unit] ?? NaN);
  return Number.isSafeInteger(bytes) && bytes > 0 ? ok(bytes) : err('wanted a size such as 512MiB or 2GiB');
}

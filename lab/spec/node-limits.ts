import type { NodeLimits } from '../core/node-state.ts';
import { err, ok, type Result } from '../core/result.ts';
import { didYouMean } from './did-you-mean.ts';
import { parseSize } from './quantities.ts';

export const LIMIT_NAMES = ['memory', 'processes', 'tmpfs'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** Less than this, and not even the runtime starts. */
export const LEAST_MEMORY_BYTES = 64 * 1024 ** 2;
export const LEAST_PROCESSES = 50;

/** One limit as a command line says it: `memory=512MiB`, `processes=500`. */
export function parseLimit(text: string): Result<NodeLimits, string> {
  const [, name = '', amount = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const wanted = `wanted ${LIMIT_NAMES.map((known) => `${known}=…`).join(', ')}; got ${JSON.stringify(text)}`;
  switch (LIMIT_NAMES.find((known) => known === name)) {
    case 'memory': {
      const bytes = parseSize(amount);
      return bytes.ok ? memoryLimit(bytes.value) : bytes;
    }
    case 'tmpfs': {
      const bytes = parseSize(amount);
      return bytes.ok ? ok({ tmpfsBytes: bytes.value }) : bytes;
    }
    case 'processes':
      return /^\d{1,9}$/.test(amount) && Number(amount) >= LEAST_PROCESSES
        ? ok({ processes: Number(amount) })
        : err(`wanted a whole number from ${LEAST_PROCESSES}; got ${JSON.stringify(amount)}`);
    case undefined:
      return err(`${wanted}${didYouMean(name, LIMIT_NAMES)}`);
  }
}

export const memoryLimit = (memoryBytes: number): Result<NodeLimits, string> =>
  memoryBytes < LEAST_MEMORY_BYTES ? err('a node needs at least 64MiB') : ok({ memoryBytes });

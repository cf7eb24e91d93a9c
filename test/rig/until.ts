import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again until there is something to see; what never comes is an error that names it. */
export async function until<T>(what: string, look: () => T | undefined | false | ''): Promise<T> {
  for (let tries = 0; tries < 3000; tries += 1) {
    const seen = look();
    if (seen !== undefined && seen !== false && seen !== '') return seen;
    await sleep(10);
  }
  throw new Error(`${what} never came`);
}

import { setTimeout as sleep } from 'node:timers/promises';

/** The limit of a test that may have to build Kubernetes first, or that runs in emulated machines. */
export const HOUR_MS = 60 * 60_000;

/** About two minutes: a step in an emulated machine on a busy host can take 30 s. */
const TRIES = 12_000;

type Seen<T> = T | undefined | false | '';

/** Looks repeatedly until there is a value. The error of a timeout says what did not come. */
export async function until<T>(what: string, look: () => Seen<T> | Promise<Seen<T>>): Promise<T> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const seen = await look();
    if (seen !== undefined && seen !== false && seen !== '') return seen;
    await sleep(10);
  }
  throw new Error(`${what} never came`);
}

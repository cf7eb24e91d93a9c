import { LIMITS } from './limits.ts';

/** Of scenarios, pods and containers. */
export const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
export const NAME_WANTED = 'a name of small letters, digits and dashes';
const RESERVED = ['matrix', 'listed', 'node', 'none'];

/** What is wrong with a name of the right letters. */
export function nameMistake(name: string): string | undefined {
  if (name.length > LIMITS.name)
    return `a name has at most ${LIMITS.name} characters; this one has ${name.length}`;
  return RESERVED.includes(name) ? `"${name}" means something else already; take another name` : undefined;
}

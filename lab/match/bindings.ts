import type { CaptureType } from '../spec/template.ts';

/** What the names in texts stand for at some point of a run: `web.id` → 64 hex digits. Never changed, only replaced. */
export type Bindings = ReadonlyMap<string, string>;

export const NO_BINDINGS: Bindings = new Map();

/** The shape of what a reference may be bound to by the text itself, as long as nothing else tells: `web.id` is an id. */
export function typeOfRef(name: string): CaptureType {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (last === 'id') return 'id';
  return last === 'ip' || last === 'ip6' ? 'ip' : 'word';
}

export function bind(bindings: Bindings, more: Bindings | readonly (readonly [string, string])[]): Bindings {
  return new Map([...bindings, ...more]);
}

/** Without all that belongs to one pod: a new sandbox of it has another id, another address. */
export function forgetPod(bindings: Bindings, pod: string): Bindings {
  return new Map([...bindings].filter(([name]) => !name.startsWith(`${pod}.`)));
}

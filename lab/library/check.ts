import { BadInput } from '../core/lab-error.ts';
import { didYouMean } from '../spec/diagnostic.ts';
import type { CommandResult } from '../core/ports.ts';
import { shown } from '../core/content.ts';

/**
 * Checks a value from a test at run time, because JavaScript has no types, and those of TypeScript can be wrong. Throws
 * BadInput. `at` names the argument: `runPod`, `runPod hostPorts`.
 */
export type Check = (value: unknown, at: string) => void;

/** A check for each key of T, so that a new key of T needs a check here. */
export type Checks<T> = { readonly [K in keyof Required<T>]: Check };

export const wanted =
  (what: string, fits: (value: unknown) => boolean): Check =>
  (value, at) => {
    if (!fits(value)) throw new BadInput(`${at}: wanted ${what}; got ${describe(value)}`);
  };

export const optional =
  (check: Check): Check =>
  (value, at) => {
    if (value !== undefined) check(value, at);
  };

const isText = (value: unknown): value is string => typeof value === 'string';

/** A command line or file name cannot contain U+0000. */
export const text = wanted('a text without U+0000', (value) => isText(value) && !value.includes('\0'));
export const boolean = wanted('true or false', (value) => typeof value === 'boolean');
export const aFunction = wanted('a function', (value) => typeof value === 'function');
export const bytesOrText = wanted(
  'a text or a Uint8Array',
  (value) => isText(value) || value instanceof Uint8Array,
);
export const wholeNumber = ({ min, max }: { min: number; max: number }): Check =>
  wanted(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
  );

/** A text for which `mistake` may return an error. */
export const textThat =
  (mistake: (value: string) => string | undefined): Check =>
  (value, at) => {
    text(value, at);
    const complaint = mistake(String(value));
    if (complaint !== undefined) throw new BadInput(`${at}: ${complaint}`);
  };

export const word =
  (words: readonly string[]): Check =>
  (value, at) => {
    if (words.some((known) => known === value)) return;
    const hint = isText(value) ? didYouMean(value, words) : '';
    throw new BadInput(`${at}: wanted one of ${words.join(', ')}; got ${describe(value)}${hint}`);
  };

export const listOf =
  (item: Check, { min = 0 }: { min?: number } = {}): Check =>
  (value, at) => {
    if (!Array.isArray(value) || value.length < min)
      throw new BadInput(
        `${at}: wanted a list${min > 0 ? ` of at least ${min}` : ''}; got ${describe(value)}`,
      );
    for (const [index, one] of (value as readonly unknown[]).entries()) item(one, `${at}[${index}]`);
  };

/** An object with any keys whose values are all of the same kind. */
export const mapOf =
  (item: Check): Check =>
  (value, at) => {
    plainObject(value, at);
    for (const [key, one] of Object.entries(value as object)) item(one, `${at} ${key}`);
  };

/** An object with exactly these keys. Keys that are not optional are required. */
export const object =
  <T>(checks: Checks<T>): Check =>
  (value, at) => {
    plainObject(value, at);
    const names = Object.keys(checks);
    for (const name of Object.keys(value as object)) {
      if (names.includes(name)) continue;
      const hint = didYouMean(name, names);
      throw new BadInput(`${at}: unknown key "${name}"${hint || ';'} allowed here: ${names.join(', ')}`);
    }
    for (const [name, check] of Object.entries<Check>(checks))
      check((value as Readonly<Record<string, unknown>>)[name], `${at} ${name}`);
  };

/** An object that JSON can represent. */
export const jsonObject: Check = (value, at) => {
  plainObject(value, at);
  jsonValue(value, at, []);
};

function jsonValue(value: unknown, at: string, around: readonly unknown[]): void {
  if (around.includes(value)) throw new BadInput(`${at}: this object contains itself, which JSON cannot say`);
  if (value === null || isText(value) || typeof value === 'boolean' || Number.isFinite(value)) return;
  if (!Array.isArray(value)) wanted('what JSON can say', isPlainObject)(value, at);
  const entries = Object.entries(value as object);
  for (const [key, one] of entries) jsonValue(one, `${at} ${key}`, [...around, value]);
}

const isPlainObject = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

const plainObject = wanted('an object', isPlainObject);

export const isPromise = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

const SHOWN = 80;

/** The value itself if it is short, otherwise what kind of value it is. */
export function describe(value: unknown): string {
  if (isPromise(value)) return 'a promise; await it first';
  if (isText(value)) return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null)
    return `an object (${value.constructor?.name ?? 'Object'})`;
  return String(value);
}

export interface StepFailedOptions {
  readonly stepId: string;
  /** what was done and what the result was, for people */
  readonly message: string;
  readonly errorText: string;
  readonly known: ReadonlyMap<string, string>;
  readonly result?: CommandResult;
}

/** An operation of the runtime failed. The runtime or the plugins are the cause, never the lab. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  /** of the steps on this node: `2-stop-pod` */
  readonly stepId: string;
  /** the original text of the system, byte for byte, without what crictl adds to it */
  readonly errorText: string;
  /** the values of references such as `${web.id}` at that time */
  readonly known: ReadonlyMap<string, string>;
  /** of the failed command, if it was a command */
  readonly result: CommandResult | undefined;

  constructor({ stepId, message, errorText, known, result }: StepFailedOptions) {
    super(shown(message));
    this.stepId = stepId;
    this.errorText = errorText;
    this.known = known;
    this.result = result;
  }
}

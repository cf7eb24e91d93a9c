import type { CniCallEnded, CniCallStarted } from './recorded.ts';

/** What a line of the journal adds: the step, and the node where there are several. */
interface At {
  readonly stepId: string;
  readonly node?: string;
}

/** One call of a plugin, with its start and its end. */
export interface CniCall extends CniCallStarted, At {
  /** missing where the call did not end while the run lasted */
  readonly end?: CniCallEnded;
  /** the call whose plugin made this one */
  readonly outer?: CniCall;
  /** the name of the network, as the input has it */
  readonly network?: string;
  /** what a plugin that failed printed as its error, where it printed one */
  readonly error?: CniError;
}

/** https://www.cni.dev/docs/spec/#error */
export interface CniError {
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/** All calls, in the order of their starts. `stdin` is everything that was read, whichever of the two records has it. */
export function callsOf(
  started: readonly (CniCallStarted & At)[],
  ended: readonly (CniCallEnded & At)[],
): readonly CniCall[] {
  const key = ({ call, node = '' }: { readonly call: number; readonly node?: string }) => `${node} ${call}`;
  const ends = new Map(ended.map((end) => [key(end), end] as const));
  const calls = new Map<string, CniCall>();
  for (const start of started) {
    const end = ends.get(key(start));
    const outer = start.within === undefined ? undefined : calls.get(key({ ...start, call: start.within }));
    const stdin = end?.stdin ?? start.stdin;
    const network = jsonObject(stdin)?.['name'];
    const error = end === undefined ? undefined : errorIn(end);
    calls.set(key(start), {
      ...start,
      stdin,
      ...(end === undefined ? {} : { end }),
      ...(outer === undefined ? {} : { outer }),
      ...(typeof network === 'string' ? { network } : {}),
      ...(error === undefined ? {} : { error }),
    });
  }
  return [...calls.values()];
}

/** `bridge ADD`, `bridge > host-local ADD`: how files and messages name a call. */
export const nameCall = ({ outer, plugin, verb }: Pick<CniCall, 'outer' | 'plugin' | 'verb'>): string =>
  `${outer === undefined ? '' : `${outer.plugin} > `}${plugin} ${verb === '' ? 'without a verb' : verb}`;

/** How a call ended: `exit 0`, `exit 1: code 7: Invalid Configuration`, `SIGKILL`, `no end`. */
export function endOfCall({ end, error }: Pick<CniCall, 'end' | 'error'>): string {
  if (end === undefined) return 'no end';
  const how = end.signal ?? `exit ${end.exitCode}`;
  if (error === undefined) return how;
  return `${how}: code ${error.code}: ${errorWords(error)}`;
}

/** What libcni makes of an error: the message, and the details if there are some. */
export const errorWords = ({ msg, details }: Pick<CniError, 'msg' | 'details'>): string =>
  [msg, details].filter((text) => text !== '').join('; ');

/** The error that a plugin which failed has printed, if it has. */
export function errorIn({
  exitCode,
  stdout,
}: Pick<CniCallEnded, 'exitCode' | 'stdout'>): CniError | undefined {
  const printed = exitCode === 0 ? undefined : jsonObject(stdout);
  if (printed === undefined || typeof printed['code'] !== 'number') return undefined;
  const text = (name: string) => (typeof printed[name] === 'string' ? printed[name] : '');
  return { code: printed['code'], msg: text('msg'), details: text('details') };
}

/** The object that a text is in JSON; undefined for any other text. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

import type { CniCallEnded, CniCallStarted } from './recorded.ts';

/** What the line of the journal adds to a call: the step, and the node if there are several. */
interface At {
  readonly stepId: string;
  readonly node?: string;
}

/** One call of a plugin: its start, its end, and what is read from both. */
export interface CniCall extends CniCallStarted, At {
  /** missing if the call did not end during the run */
  readonly end?: CniCallEnded;
  /** the call whose plugin made this call */
  readonly outer?: CniCall;
  /** the name of the network, from the input */
  readonly network?: string;
  /** the error that a failed plugin printed; missing if it printed none */
  readonly error?: CniError;
}

/** https://www.cni.dev/docs/spec/#error */
export interface CniError {
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/**
 * All calls, in the order of their starts. `stdin` is the complete input, whether the start or the end record has it.
 */
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

/** The name of a call in files and messages: `bridge ADD`, `bridge > host-local ADD`. */
export const nameCall = ({ outer, plugin, verb }: Pick<CniCall, 'outer' | 'plugin' | 'verb'>): string =>
  `${outer === undefined ? '' : `${outer.plugin} > `}${plugin} ${verb === '' ? 'without a verb' : verb}`;

/** How a call ended: `exit 0`, `exit 1: code 7: Invalid Configuration`, `SIGKILL`, `no end`. */
export function endOfCall({ end, error }: Pick<CniCall, 'end' | 'error'>): string {
  if (end === undefined) return 'no end';
  const how = end.signal ?? `exit ${end.exitCode}`;
  if (error === undefined) return how;
  return `${how}: code ${error.code}: ${errorWords(error)}`;
}

/** The text that libcni makes of an error: the message, followed by the details if there are any. */
export const errorWords = ({ msg, details }: Pick<CniError, 'msg' | 'details'>): string =>
  [msg, details].filter((text) => text !== '').join('; ');

/** The error that a failed plugin printed, if there is one. */
export function errorIn({
  exitCode,
  stdout,
}: Pick<CniCallEnded, 'exitCode' | 'stdout'>): CniError | undefined {
  const printed = exitCode === 0 ? undefined : jsonObject(stdout);
  if (printed === undefined || typeof printed['code'] !== 'number') return undefined;
  const text = (name: string) => (typeof printed[name] === 'string' ? printed[name] : '');
  return { code: printed['code'], msg: text('msg'), details: text('details') };
}

/** The JSON object in a text; undefined if the text is anything else. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

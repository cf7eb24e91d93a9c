import type { NodeState, NodeUsage, StateItem, StateKind } from '../core/node-state.ts';
import { STATE_KINDS } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { NodeFile, RuntimeStatus } from './node.ts';

/**
 * What the lab asks of the agent, one JSON object a line; the other side is images/node-tools/internal/serve. Parsed by
 * hand: a schema library would cost more to load than a node takes to start.
 */
export type AgentRequest =
  | {
      readonly op: 'exec';
      readonly argv: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly cwd?: string;
      readonly stdin?: string;
      readonly timeoutMs?: number;
    }
  | {
      readonly op: 'start';
      readonly argv: readonly string[];
      readonly logPath: string;
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly op: 'adopt'; readonly argv: readonly string[] }
  | { readonly op: 'signal'; readonly pid: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly op: 'read-file'; readonly path: string; readonly offset: number }
  | { readonly op: 'write-files'; readonly files: readonly NodeFile[] }
  | {
      readonly op: 'append-file';
      readonly path: string;
      readonly base64: string;
      readonly mode: number;
    }
  | { readonly op: 'look' | 'runtime-status' | 'usage' | 'keep' };

/** How a process that was started in the background ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** One line from the agent. */
export type AgentMessage =
  | { readonly kind: 'booted' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: string; readonly cannotStart: boolean }
  | { readonly kind: 'ended'; readonly start: number; readonly end: ProcessEnd };

export function parseAgentLine(line: string): Result<AgentMessage, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return err(`not JSON: ${line.slice(0, 200)}`);
  }
  if (!isObject(value)) return err(`not a message: ${line.slice(0, 200)}`);
  if (value['event'] === 'booted') return ok({ kind: 'booted' });
  if (value['event'] === 'ready') return ok({ kind: 'ready' });
  const { event, start, id, ok: worked, error } = value;
  if (event === 'ended' && typeof start === 'number' && isProcessEnd(value)) {
    return ok({ kind: 'ended', start, end: { exitCode: value.exitCode, signal: value.signal } });
  }
  if (typeof id === 'number' && worked === true) return ok({ kind: 'result', id, result: value['result'] });
  if (typeof id === 'number' && worked === false && typeof error === 'string') {
    return ok({ kind: 'error', id, error, cannotStart: value['cannotStart'] === true });
  }
  return err(`not a message: ${line.slice(0, 200)}`);
}

/** Reads one kind of result, or says what it is not. */
export type ParseResult<T> = (result: unknown) => Result<T, string>;

export const parseNothing: ParseResult<void> = () => ok(undefined);

export const parseAbsent: ParseResult<readonly string[]> = (result) =>
  isObject(result) && isStrings(result['absent']) ? ok(result['absent']) : err('not what was written');

export const parseStarted: ParseResult<{ readonly pid: number }> = (result) =>
  isObject(result) && typeof result['pid'] === 'number' ? ok({ pid: result['pid'] }) : err('not a process');

export const parseContent: ParseResult<string> = (result) =>
  isObject(result) && typeof result['content'] === 'string' ? ok(result['content']) : err('not a content');

export const parseCommandResult: ParseResult<CommandResult> = (result) => {
  if (!isObject(result) || !isProcessEnd(result)) return err('not the result of a command');
  const { argv, stdout, stderr, durationMs, timedOut } = result;
  if (
    !isStrings(argv) ||
    typeof stdout !== 'string' ||
    typeof stderr !== 'string' ||
    typeof durationMs !== 'number' ||
    typeof timedOut !== 'boolean'
  ) {
    return err('not the result of a command');
  }
  return ok({ argv, exitCode: result.exitCode, signal: result.signal, stdout, stderr, durationMs, timedOut });
};

export const parseNodeState: ParseResult<NodeState> = (result) => {
  if (!isObject(result)) return err('not a state');
  const { items, unseen, conflists } = result;
  if (!Array.isArray(items) || !items.every(isStateItem)) return err('not a state: items');
  if (!Array.isArray(unseen) || !unseen.every(isUnseen)) return err('not a state: unseen');
  if (!isStrings(conflists)) return err('not a state: conflists');
  return ok({ items, unseen, conflists });
};

export const parseRuntimeStatus: ParseResult<RuntimeStatus> = (result) => {
  if (!isObject(result)) return err('not a status');
  const { answered, why, runtimeVersion, runtimeReady, networkReady, networkMessage } = result;
  if (answered === false && typeof why === 'string') return ok({ answered, why });
  if (
    answered === true &&
    typeof runtimeVersion === 'string' &&
    typeof runtimeReady === 'boolean' &&
    typeof networkReady === 'boolean' &&
    typeof networkMessage === 'string'
  ) {
    return ok({ answered, runtimeVersion, runtimeReady, networkReady, networkMessage });
  }
  return err('not a status');
};

/** null stands for a figure that the host does not count. */
export const parseUsage: ParseResult<NodeUsage> = (result) => {
  if (!isObject(result)) return err('not a usage');
  const { cpuMs, memoryPeakBytes } = result;
  return ok({
    ...(typeof cpuMs === 'number' ? { cpuMs } : {}),
    ...(typeof memoryPeakBytes === 'number' ? { memoryPeakBytes } : {}),
  });
};

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

const isProcessEnd = (value: JsonObject): value is JsonObject & ProcessEnd =>
  (value['exitCode'] === null || typeof value['exitCode'] === 'number') &&
  (value['signal'] === null || typeof value['signal'] === 'string');

const isKind = (value: unknown): value is StateKind => STATE_KINDS.some((kind) => kind === value);

const isStateItem = (value: unknown): value is StateItem =>
  isObject(value) &&
  isKind(value['kind']) &&
  typeof value['name'] === 'string' &&
  (value['detail'] === undefined ||
    (isObject(value['detail']) && Object.values(value['detail']).every((word) => typeof word === 'string')));

const isUnseen = (value: unknown): value is NodeState['unseen'][number] =>
  isObject(value) && isKind(value['kind']) && typeof value['why'] === 'string';

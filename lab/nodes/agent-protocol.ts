import * as v from 'valibot';

import { check, commandResult, nodeState, readJson, type Schema, recordedOf } from '../core/json.ts';
import type { NodeState, NodeUsage } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import { err, ok, type Result } from '../core/lab-error.ts';
import { type Recorded } from '../core/recorded.ts';
import type { RuntimeTraits } from '../core/runtime.ts';
import type { NodeFile, RuntimeStatus } from './node.ts';

/** A request to the agent, one JSON object per line. The other side is images/node-tools/internal/serve. */
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
      readonly service?: string;
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly op: 'adopt'; readonly argv: readonly string[] }
  | { readonly op: 'kill'; /** the id of the request */ readonly exec: number }
  | { readonly op: 'signal'; readonly pid: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly op: 'read-file'; readonly path: string; readonly offset: number }
  | { readonly op: 'write-files'; readonly files: readonly NodeFile[] }
  | {
      readonly op: 'append-file';
      readonly path: string;
      readonly base64: string;
      readonly mode: number;
    }
  | { readonly op: 'use-runtime'; readonly runtime: RuntimeTraits }
  /** `path` is the path on the node of the program that replaces the plugins */
  | { readonly op: 'record'; readonly path: string }
  | { readonly op: 'look' | 'runtime-status' | 'usage' | 'reboot' | 'keep' | 'announce' };

/** How a background process ended. */
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
  | { readonly kind: 'ended'; readonly start: number; readonly end: ProcessEnd }
  /** for the request `record` with the id `start` */
  | { readonly kind: 'recorded'; readonly start: number; readonly record: Recorded };

const LINE = v.union([
  v.object({ event: v.picklist(['booted', 'ready']) }),
  v.object({
    event: v.literal('ended'),
    start: v.number(),
    exitCode: v.nullable(v.number()),
    signal: v.nullable(v.string()),
  }),
  v.object({ event: v.literal('recorded'), start: v.number(), record: v.unknown() }),
  v.object({ id: v.number(), ok: v.literal(true), result: v.optional(v.unknown()) }),
  v.object({ id: v.number(), ok: v.literal(false), error: v.string(), cannotStart: v.optional(v.boolean()) }),
]);

export function parseAgentLine(line: string): Result<AgentMessage, string> {
  const message = readJson(LINE, line);
  if (message === undefined) return err(`not a message: ${line.slice(0, 200)}`);
  if ('event' in message) {
    if (message.event === 'recorded') {
      const record = recordedOf(message.record);
      return record === undefined
        ? err(`not a record: ${line.slice(0, 200)}`)
        : ok({ kind: 'recorded', start: message.start, record });
    }
    if (message.event !== 'ended') return ok({ kind: message.event });
    const { start, exitCode, signal } = message;
    return ok({ kind: 'ended', start, end: { exitCode, signal } });
  }
  const { id } = message;
  return ok(
    message.ok
      ? { kind: 'result', id, result: message.result }
      : { kind: 'error', id, error: message.error, cannotStart: message.cannotStart === true },
  );
}

/** Reads one kind of result, or returns what is wrong with it. */
export type ParseResult<T> = (result: unknown) => Result<T, string>;

function parser<T>(what: string, schema: Schema<T>): ParseResult<T> {
  return (result) => {
    const checked = check(schema, result);
    return checked.ok ? checked : err(`not ${what}${checked.error === '' ? '' : `: ${checked.error}`}`);
  };
}

export const parseNothing: ParseResult<void> = () => ok(undefined);

export const parseAbsent: ParseResult<readonly string[]> = parser(
  'what was written',
  v.pipe(
    v.object({ absent: v.array(v.string()) }),
    v.transform(({ absent }) => absent),
  ),
);

export const parseStarted: ParseResult<{ readonly pid: number }> = parser(
  'a process',
  v.object({ pid: v.number() }),
);

export const parseContent: ParseResult<string> = parser(
  'a content',
  v.pipe(
    v.object({ content: v.string() }),
    v.transform(({ content }) => content),
  ),
);

export const parseCommandResult: ParseResult<CommandResult> = parser(
  'the result of a command',
  commandResult,
);

export const parseNodeState: ParseResult<NodeState> = parser('a state', nodeState);

export const parseRuntimeStatus: ParseResult<RuntimeStatus> = parser(
  'a status',
  v.variant('answered', [
    v.object({ answered: v.literal(false), why: v.string() }),
    v.object({
      answered: v.literal(true),
      runtimeVersion: v.string(),
      runtimeReady: v.boolean(),
      networkReady: v.boolean(),
      networkReason: v.string(),
      networkMessage: v.string(),
    }),
  ]),
);

const figure = v.exactOptional(v.nullable(v.number()));

/** null stands for a figure that the host cannot measure. */
export const parseUsage: ParseResult<NodeUsage> = parser(
  'a usage',
  v.pipe(
    v.object({ cpuMs: figure, memoryPeakBytes: figure }),
    v.transform(({ cpuMs, memoryPeakBytes }) => ({
      ...(typeof cpuMs === 'number' ? { cpuMs } : {}),
      ...(typeof memoryPeakBytes === 'number' ? { memoryPeakBytes } : {}),
    })),
  ),
);

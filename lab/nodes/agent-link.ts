import type { Readable, Writable } from 'node:stream';

import { CannotStart, LabError, unreachable } from '../core/lab-error.ts';
import type { Recorded } from '../core/recorded.ts';
import {
  parseAgentLine,
  type AgentMessage,
  type AgentRequest,
  type ParseResult,
  type ProcessEnd,
  parseAbsent,
  parseCommandResult,
  parseContent,
  parseNodeState,
  parseNothing,
  parseRuntimeStatus,
  parseStarted,
  parseUsage,
} from './agent-protocol.ts';
import type { Artifact } from '../artifacts/artifact.ts';
import type { LabNode, NodeProcess } from './node.ts';

/** The two streams of an agent, however it is reached: pipes, the streams of a container, or a serial line. */
export interface AgentStream {
  readonly input: Writable;
  readonly output: Readable;
  /** Called when a machine has booted but does not know yet which node it is. */
  readonly onBooted?: () => void;
  /** Called after the output has ended. Returns what is known about the reason. */
  whyEnded(): Promise<string>;
}

export interface RequestOptions {
  /** no limit if undefined; default 30 s, because only exec and reboot can take longer */
  readonly answerWithinMs?: number | undefined;
  /** called with the id of the request, which another request can refer to */
  readonly onSent?: (id: number) => void;
  /** called when the process that this request started has ended */
  readonly onEnded?: (end: ProcessEnd) => void;
  /** called with each record that this request asked for */
  readonly onRecorded?: (record: Recorded) => void;
}

/** Requests to one agent. Any number can be open at once. */
export interface AgentLink {
  /** fulfilled when the node is usable, rejected with LabError if it ends before that */
  readonly ready: Promise<void>;
  request<T>(request: AgentRequest, parse: ParseResult<T>, options?: RequestOptions): Promise<T>;
  /** Announces an intended end: no more requests are accepted, and waiting requests fail with that reason. */
  close(): void;
}

interface Waiting {
  readonly answer: (result: unknown) => void;
  readonly fail: (error: LabError) => void;
  readonly onEnded: ((end: ProcessEnd) => void) | undefined;
  readonly onRecorded: ((record: Recorded) => void) | undefined;
}

const ANSWER_WITHIN_MS = 30_000;

export function openAgentLink(nodeName: string, stream: AgentStream): AgentLink {
  const waiting = new Map<number, Waiting>();
  const background = new Map<number, (end: ProcessEnd) => void>();
  const recorded = new Map<number, (record: Recorded) => void>();
  let lastId = 0;
  let isReady = false;
  let gone: LabError | undefined;
  let becomeReady: () => void;
  let failToStart: (error: LabError) => void;
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve;
    failToStart = reject;
  });
  ready.catch(() => undefined); // callers may await it, but need not

  const end = (error: LabError) => {
    if (gone !== undefined) return;
    gone = error;
    failToStart(error);
    for (const { fail } of waiting.values()) fail(error);
    waiting.clear();
  };

  const failureOf = ({ error, cannotStart }: Extract<AgentMessage, { kind: 'error' }>): LabError =>
    cannotStart ? new CannotStart(error) : new LabError(`${nodeName}: ${error}`);

  const take = (message: AgentMessage): void => {
    switch (message.kind) {
      case 'booted':
        return stream.onBooted?.();
      case 'ready':
        isReady = true;
        return becomeReady();
      case 'result': {
        const request = waiting.get(message.id);
        if (request?.onEnded !== undefined) background.set(message.id, request.onEnded);
        if (request?.onRecorded !== undefined) recorded.set(message.id, request.onRecorded);
        return request?.answer(message.result);
      }
      case 'error':
        return waiting.get(message.id)?.fail(failureOf(message));
      case 'ended':
        background.get(message.start)?.(message.end);
        background.delete(message.start);
        return;
      case 'recorded':
        return recorded.get(message.start)?.(message.record);
      default:
        return unreachable(message);
    }
  };

  const lines = splitLines((line) => {
    const message = parseAgentLine(line);
    if (message.ok) take(message.value);
    else end(new LabError(`the agent of ${nodeName} sent an unknown message: ${message.error}`));
  });
  stream.output.setEncoding('utf8');
  stream.output.on('data', lines);
  stream.input.on('error', () => undefined); // the output ends as well, and gives the reason
  stream.output.on('error', () => undefined);
  stream.output.once('close', () => {
    void stream.whyEnded().then((why) => {
      const what = isReady ? `${nodeName} is gone` : `node ${nodeName} did not start`;
      end(new LabError(why === '' ? what : `${what}: ${why}`));
    });
  });

  return {
    ready,
    request(request, parse, { onEnded, onRecorded, onSent, ...options } = {}) {
      if (gone !== undefined) return Promise.reject(gone);
      const answerWithinMs = 'answerWithinMs' in options ? options.answerWithinMs : ANSWER_WITHIN_MS;
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        const timer =
          answerWithinMs === undefined
            ? undefined
            : setTimeout(() => {
                waiting.delete(id);
                reject(
                  new LabError(`${nodeName} did not answer "${request.op}" within ${answerWithinMs} ms`),
                );
              }, answerWithinMs);
        const settle = () => {
          clearTimeout(timer);
          waiting.delete(id);
        };
        waiting.set(id, {
          onEnded,
          onRecorded,
          answer(result) {
            settle();
            const parsed = parse(result);
            if (parsed.ok) resolve(parsed.value);
            else
              reject(
                new LabError(`${nodeName} answered "${request.op}" with something else: ${parsed.error}`),
              );
          },
          fail(error) {
            settle();
            reject(error);
          },
        });
        stream.input.write(`${JSON.stringify({ id, ...request })}\n`);
        onSent?.(id);
      });
    },
    close() {
      end(new LabError(`${nodeName} has been ended`));
      stream.input.end();
    },
  };
}

/** Calls back with each complete line. A long line arrives in many pieces, so they are joined only once. */
function splitLines(onLine: (line: string) => void): (chunk: string) => void {
  let pieces: string[] = [];
  return (chunk) => {
    let from = 0;
    for (let to = chunk.indexOf('\n'); to !== -1; to = chunk.indexOf('\n', from)) {
      pieces.push(chunk.slice(from, to));
      onLine(pieces.join(''));
      pieces = [];
      from = to + 1;
    }
    if (from < chunk.length) pieces.push(chunk.slice(from));
  };
}

export interface ReadyWithinOptions {
  readonly name: string;
  readonly withinMs: number;
  /** aborts the start */
  readonly signal: AbortSignal;
}

/** Waits until a node is usable. Throws LabError if it ends, if it takes too long, or if the start is aborted. */
export async function readyWithin(link: AgentLink, options: ReadyWithinOptions): Promise<void> {
  const { name, withinMs, signal } = options;
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const otherwise = new Promise<never>((_, reject) => {
    const late = `node ${name} was not ready within ${withinMs} ms`;
    timer = setTimeout(() => reject(new LabError(late)), withinMs);
    giveUp = () => reject(new LabError(`the start of ${name} was given up`));
    signal.addEventListener('abort', giveUp);
  });
  try {
    await Promise.race([link.ready, otherwise]);
  } finally {
    clearTimeout(timer);
    if (giveUp !== undefined) signal.removeEventListener('abort', giveUp);
  }
}

/** How much later than its timeout the result of a command may arrive: the agent first kills, reaps and reads. */
const GRACE_MS = 10_000;

/** The agent gives up after 60 s for the boot of systemd, and after up to 30 s for what comes before it. */
const REBOOTED_WITHIN_MS = 90_000 + GRACE_MS;

/**
 * A node that is controlled through an agent. Backends differ only in the stream of the link and in how artifacts get
 * to the node.
 */
export function agentNode(
  name: string,
  link: AgentLink,
  provide: (artifact: Artifact) => Promise<string>,
): LabNode {
  /** Sends a request that starts a background process. The response is the process; its end is reported later. */
  async function follow(request: AgentRequest): Promise<NodeProcess> {
    let onEnded: (end: ProcessEnd) => void = () => undefined;
    const ended = new Promise<ProcessEnd>((resolve) => (onEnded = resolve));
    const { pid } = await link.request(request, parseStarted, { onEnded: (end) => onEnded(end) });
    return {
      pid,
      ended,
      signal: (signal) => link.request({ op: 'signal', pid, signal: `SIG${signal}` }, parseNothing),
    };
  }
  return {
    name,
    provide,
    exec: (argv, { kill, ...options } = {}) =>
      link.request({ op: 'exec', argv, ...options }, parseCommandResult, {
        answerWithinMs: options.timeoutMs === undefined ? undefined : options.timeoutMs + GRACE_MS,
        onSent: (exec) =>
          kill?.addEventListener('abort', () => {
            // if this fails, the command fails too
            link.request({ op: 'kill', exec }, parseNothing).catch(() => undefined);
          }),
      }),
    start: (argv, options) => follow({ op: 'start', argv, ...options }),
    adopt: (argv) => follow({ op: 'adopt', argv }),
    readFile: (path, offset = 0) => link.request({ op: 'read-file', path, offset }, parseContent),
    writeFiles: (files) => link.request({ op: 'write-files', files }, parseAbsent),
    useRuntime: (runtime) => link.request({ op: 'use-runtime', runtime }, parseNothing),
    record: async (programs, onRecorded) => {
      const path = `${await provide(programs)}/bin/cni-recorder`;
      await link.request({ op: 'record', path }, parseNothing, { onRecorded });
    },
    look: () => link.request({ op: 'look' }, parseNodeState),
    runtimeStatus: () => link.request({ op: 'runtime-status' }, parseRuntimeStatus),
    usage: () => link.request({ op: 'usage' }, parseUsage),
    reboot: () => link.request({ op: 'reboot' }, parseNothing, { answerWithinMs: REBOOTED_WITHIN_MS }),
  };
}

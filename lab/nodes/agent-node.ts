import type { Artifact } from '../artifacts/artifact.ts';
import type { AgentLink } from './agent-link.ts';
import {
  parseAbsent,
  parseCommandResult,
  parseContent,
  parseNodeState,
  parseNothing,
  parseRuntimeStatus,
  parseStarted,
  parseUsage,
  type AgentRequest,
  type ProcessEnd,
} from './agent-protocol.ts';
import type { LabNode, NodeProcess } from './node.ts';

/** How much later than its time-out the result of a command may come: the agent kills, reaps and reads first. */
const GRACE_MS = 10_000;

/** A node behind an agent. What differs between backends is the stream below the link, and how artifacts get there. */
export function agentNode(
  name: string,
  link: AgentLink,
  provide: (artifact: Artifact) => Promise<string>,
): LabNode {
  /** Sends what is answered with a process in the background, and is told of its end later. */
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
    exec: (argv, options = {}) =>
      link.request({ op: 'exec', argv, ...options }, parseCommandResult, {
        answerWithinMs: options.timeoutMs === undefined ? undefined : options.timeoutMs + GRACE_MS,
      }),
    start: (argv, options) => follow({ op: 'start', argv, ...options }),
    adopt: (argv) => follow({ op: 'adopt', argv }),
    readFile: (path, offset = 0) => link.request({ op: 'read-file', path, offset }, parseContent),
    writeFiles: (files) => link.request({ op: 'write-files', files }, parseAbsent),
    useRuntime: (runtime) => link.request({ op: 'use-runtime', runtime }, parseNothing),
    look: () => link.request({ op: 'look' }, parseNodeState),
    runtimeStatus: () => link.request({ op: 'runtime-status' }, parseRuntimeStatus),
    usage: () => link.request({ op: 'usage' }, parseUsage),
  };
}

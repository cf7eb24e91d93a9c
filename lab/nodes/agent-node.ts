import type { Artifact } from '../artifacts/artifact.ts';
import type { AgentLink } from './agent-link.ts';
import {
  parseCommandResult,
  parseContent,
  parseNodeState,
  parseNothing,
  parseRuntimeStatus,
  parseStarted,
  parseUsage,
  type ProcessEnd,
} from './agent-protocol.ts';
import type { LabNode } from './node.ts';

/** How much later than its time-out the result of a command may come: the agent kills, reaps and reads first. */
const GRACE_MS = 10_000;

/** A node behind an agent. What differs between backends is the stream below the link, and how artifacts get there. */
export function agentNode(
  name: string,
  link: AgentLink,
  provide: (artifact: Artifact) => Promise<string>,
): LabNode {
  return {
    name,
    provide,
    exec: (argv, options = {}) =>
      link.request({ op: 'exec', argv, ...options }, parseCommandResult, {
        answerWithinMs: options.timeoutMs === undefined ? undefined : options.timeoutMs + GRACE_MS,
      }),
    async start(argv, options) {
      let onEnded: (end: ProcessEnd) => void = () => undefined;
      const ended = new Promise<ProcessEnd>((resolve) => (onEnded = resolve));
      const { pid } = await link.request({ op: 'start', argv, ...options }, parseStarted, {
        onEnded: (end) => onEnded(end),
      });
      return {
        pid,
        ended,
        signal: (signal) => link.request({ op: 'signal', pid, signal: `SIG${signal}` }, parseNothing),
      };
    },
    readFile: (path, offset = 0) => link.request({ op: 'read-file', path, offset }, parseContent),
    writeFiles: (files) => link.request({ op: 'write-files', files }, parseNothing),
    look: () => link.request({ op: 'look' }, parseNodeState),
    runtimeStatus: () => link.request({ op: 'runtime-status' }, parseRuntimeStatus),
    usage: () => link.request({ op: 'usage' }, parseUsage),
  };
}

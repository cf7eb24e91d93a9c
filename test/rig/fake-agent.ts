import { PassThrough } from 'node:stream';

import type { AgentStream } from '../../lab/nodes/agent-link.ts';

/** The other end of an agent's stream: what the lab wrote, and the lines with which a test answers. */
export interface FakeAgent {
  readonly stream: AgentStream;
  /** every request so far */
  readonly requests: readonly string[];
  say(...lines: readonly string[]): Promise<void>;
  /** Ends the agent's stream, as if it had died. */
  die(): Promise<void>;
}

export function fakeAgent({ why = '' }: { why?: string } = {}): FakeAgent {
  const input = new PassThrough();
  const output = new PassThrough();
  const requests: string[] = [];
  input.setEncoding('utf8').on('data', (text: string) => requests.push(...text.trim().split('\n')));
  const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return {
    stream: { input, output, whyEnded: async () => why },
    requests,
    async say(...lines) {
      for (const line of lines) output.write(line);
      await settled();
    },
    async die() {
      output.destroy();
      await settled();
    },
  };
}

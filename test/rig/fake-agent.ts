import { PassThrough } from 'node:stream';

import type { AgentStream } from '../../lab/nodes/agent-link.ts';

/** The far end of an agent's stream: what the lab wrote, and the lines that a test answers with. */
export interface FakeAgent {
  readonly stream: AgentStream;
  /** every request so far */
  readonly requests: readonly string[];
  say(...lines: readonly string[]): Promise<void>;
  /** The agent dies. */
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

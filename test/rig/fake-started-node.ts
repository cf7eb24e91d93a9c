import { CleanupStack } from '../../lab/core/cleanup-stack.ts';
import type { NodeState, StateItem } from '../../lab/core/node-state.ts';
import type { CommandResult } from '../../lab/core/ports.ts';
import { NodeHistory } from '../../lab/library/node-history.ts';
import { StartedNode } from '../../lab/library/started-node.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { NodeRuntime } from '../../lab/nodes/node-runtime.ts';
import type { RunningNode } from '../../lab/nodes/node.ts';
import { CONFLIST } from './recorded-run.ts';

export interface FakeNodeOptions {
  /** what a look sees, the first at the start; the last one stays */
  readonly looks: readonly NodeState[];
  /** what a command does; without it every command succeeds and says nothing */
  readonly exec?: (argv: readonly string[]) => Partial<CommandResult>;
}

export interface FakeStartedNode {
  readonly started: StartedNode;
  /** what was done to the node, in order */
  readonly deeds: readonly string[];
}

export const stateOf = (items: readonly StateItem[], unseen: NodeState['unseen'] = []): NodeState => ({
  items,
  unseen,
  conflists: [CONFLIST],
});

/** A started node without a machine. */
export async function fakeStartedNode({
  looks,
  exec = () => ({}),
}: FakeNodeOptions): Promise<FakeStartedNode> {
  const deeds: string[] = [];
  let looked = 0;
  const unused = () => Promise.reject(new Error('not part of this test'));
  const node: RunningNode = {
    name: 'lab-fake',
    startMs: 0,
    async exec(argv) {
      deeds.push(argv.join(' '));
      const result = { exitCode: 0, signal: null, stdout: '', stderr: '', durationMs: 1, timedOut: false };
      return { argv, ...result, ...exec(argv) };
    },
    async look() {
      const state = looks[Math.min(looked, looks.length - 1)];
      looked += 1;
      if (state === undefined) throw new Error('a fake node needs a state');
      return state;
    },
    useRuntime: async () => undefined,
    readFile: async () => '',
    writeFiles: async () => [],
    start: unused,
    adopt: unused,
    provide: unused,
    runtimeStatus: unused,
    usage: unused,
    async end() {
      deeds.push('end');
    },
    async keep() {
      deeds.push('keep');
    },
  };
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    date: () => new Date(nowMs),
    sleep: async (ms: number) => void (nowMs += ms),
  };
  const runtime: NodeRuntime = {
    kind: RUNTIMES.containerd,
    start: unused,
    adopt: unused,
    end: async () => undefined,
    state: async () => 'running',
  };
  const history = new NodeHistory({ node, runtime, runtimeVersion: '1.6.4', clock });
  await history.begin();
  const cleanup = new CleanupStack();
  cleanup.add('end node', () => node.end());
  const started = new StartedNode({
    node,
    history,
    backend: 'bare',
    runtimeVersion: 'v1.6.4',
    cleanup,
    bringImage: async () => void deeds.push('bring the image'),
  });
  return { started, deeds };
}

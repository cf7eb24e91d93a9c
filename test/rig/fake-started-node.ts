import { CleanupStack } from '../../lab/core/lab-error.ts';
import type { NodeState, StateItem } from '../../lab/core/node-state.ts';
import { NodeHistory } from '../../lab/library/node-history.ts';
import { StartedNode } from '../../lab/library/started-node.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { NodeRuntime } from '../../lab/nodes/node-runtime.ts';
import { fakeNode, type FakeNodeOptions } from './fake-node.ts';
import { CONFLIST } from './recorded-run.ts';

export interface FakeStartedNode {
  readonly started: StartedNode;
  /** what was done to the node, in order */
  readonly done: readonly string[];
}

export const stateOf = (items: readonly StateItem[], unseen: NodeState['unseen'] = []): NodeState => ({
  items,
  unseen,
  conflists: [CONFLIST],
});

/** A started node without a machine. */
export async function fakeStartedNode(options: FakeNodeOptions): Promise<FakeStartedNode> {
  const { node, clock, done } = fakeNode(options);
  const unused = () => Promise.reject(new Error('not part of this test'));
  const runtime: NodeRuntime = {
    kind: RUNTIMES.containerd,
    start: unused,
    adopt: unused,
    end: async () => undefined,
    rebootNode: unused,
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
    bringImage: async () => void done.push('bring the image'),
  });
  return { started, done };
}

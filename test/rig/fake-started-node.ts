import { CleanupStack } from '../../lab/core/lab-error.ts';
import type { ComponentRef } from '../../lab/core/components.ts';
import type { Recorded } from '../../lab/core/recorded.ts';
import type { NodeState, StateItem } from '../../lab/core/node-state.ts';
import { NodeHistory } from '../../lab/library/node-history.ts';
import { StartedNode } from '../../lab/library/started-node.ts';
import { fakeArtifact, fakeNode, RUNNING, type FakeNodeOptions } from './fake-node.ts';
import { CONFLIST } from './recorded-run.ts';

export interface FakeStartedNode {
  readonly started: StartedNode;
  /** everything that was done to the node, in order */
  readonly done: readonly string[];
  /** what the recorder on the node would have seen */
  readonly recorded: (record: Recorded) => void;
}

export const stateOf = (items: readonly StateItem[], unseen: NodeState['unseen'] = []): NodeState => ({
  items,
  unseen,
  conflists: [CONFLIST],
});

/** A started node without a machine. */
export async function fakeStartedNode({
  record = false,
  ...options
}: FakeNodeOptions & { readonly record?: boolean }): Promise<FakeStartedNode> {
  const { node, clock, done } = fakeNode(options);
  const artifact = ({ component }: ComponentRef) => fakeArtifact(component, 'cni-fake');
  const history = new NodeHistory({
    node,
    runtime: RUNNING,
    runtimeVersion: '1.6.4',
    clock,
    record,
    artifact,
  });
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
    bringScripted: async () => void done.push('bring the program of scripted plugins'),
  });
  return { started, done, recorded: (one) => history.recorded(one) };
}

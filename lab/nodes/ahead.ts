import type { NodeOptions, RunningNode } from './node.ts';

/** What a node is from its first process on, before anything is brought to it. */
export type NodeBeginning = Pick<NodeOptions, 'name' | 'limits' | 'systemCalls'>;

/** Nodes that a maker begins before they are asked for. */
export interface NodesBegun {
  /**
   * The one of this name, if it has been begun; to be asked for once. It has the lab's own limits and filter: where the
   * scenario has others, it is taken down and another one begun.
   */
  take(options: NodeBeginning): Promise<RunningNode>;
  /** Takes down those that nobody asked for. */
  end(): Promise<void>;
}

/** Begins the first node at once, if there is one. Whoever takes it gets the error. */
export function beginAhead(
  first: string | undefined,
  begin: (options: NodeBeginning) => Promise<RunningNode>,
): NodesBegun {
  const begun = new Map(first === undefined ? [] : [[first, begin({ name: first })]]);
  for (const node of begun.values()) node.catch(() => undefined);
  return {
    async take({ name, limits, systemCalls = 'filtered' }) {
      const node = begun.get(name);
      begun.delete(name);
      if (node !== undefined && limits === undefined && systemCalls === 'filtered') return node;
      await node?.then((unfit) => unfit.end());
      return begin({ name, ...(limits && { limits }), systemCalls });
    },
    async end() {
      for (const node of await Promise.allSettled(begun.values()))
        if (node.status === 'fulfilled') await node.value.end();
    },
  };
}

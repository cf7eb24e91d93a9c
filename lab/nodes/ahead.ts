import type { NodeOptions, RunningNode } from './node.ts';

/** The part of the options that a node has from its first process on, before anything is copied to it. */
export type NodeBeginning = Pick<NodeOptions, 'name' | 'limits' | 'systemCalls'>;

/** Nodes that a maker starts before they are requested. */
export interface NodesBegun {
  /**
   * The node of this name, if it was started ahead. Can be requested only once. It has the default limits and filter of
   * the lab. If the scenario has others, the node is ended and a new one is started.
   */
  take(options: NodeBeginning): Promise<RunningNode>;
  /** Ends the nodes that were not requested. */
  end(): Promise<void>;
}

/** Starts the first node immediately, if there is one. An error is passed to the caller that requests it. */
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

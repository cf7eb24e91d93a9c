import type { NodeOptions, RunningNode } from './node.ts';

/** Nodes that a maker begins before they are asked for. */
export interface NodesBegun {
  /**
   * The one of this name, if it has been begun; to be asked for once. It has the lab's own limits: where the scenario has
   * others, it is taken down and another one begun.
   */
  take(options: Pick<NodeOptions, 'name' | 'limits'>): Promise<RunningNode>;
  /** Takes down those that nobody asked for. */
  end(): Promise<void>;
}

/** Begins the first node at once, if there is one. What goes wrong is told to whoever takes it. */
export function beginAhead(
  first: string | undefined,
  begin: (options: Pick<NodeOptions, 'name' | 'limits'>) => Promise<RunningNode>,
): NodesBegun {
  const begun = new Map(first === undefined ? [] : [[first, begin({ name: first })]]);
  for (const node of begun.values()) node.catch(() => undefined);
  return {
    async take(options) {
      const node = begun.get(options.name);
      begun.delete(options.name);
      if (node !== undefined && options.limits === undefined) return node;
      await node?.then((unfit) => unfit.end());
      return begin(options);
    },
    async end() {
      for (const node of await Promise.allSettled(begun.values()))
        if (node.status === 'fulfilled') await node.value.end();
    },
  };
}

import type { RunningNode } from './node.ts';

/** Nodes that a maker begins before they are asked for. */
export interface NodesBegun {
  /** The one of this name, if it has been begun; to be asked for once. */
  take(name: string): Promise<RunningNode> | undefined;
  /** Takes down those that nobody asked for. */
  end(): Promise<void>;
}

/** Begins the first node at once, if there is one. What goes wrong is told to whoever takes it. */
export function beginAhead(
  first: string | undefined,
  begin: (name: string) => Promise<RunningNode>,
): NodesBegun {
  const begun = new Map(first === undefined ? [] : [[first, begin(first)]]);
  for (const node of begun.values()) node.catch(() => undefined);
  return {
    take(name) {
      const node = begun.get(name);
      begun.delete(name);
      return node;
    },
    async end() {
      for (const node of await Promise.allSettled(begun.values()))
        if (node.status === 'fulfilled') await node.value.end();
    },
  };
}

import type { RunPlan } from './plan/plan.ts';

/** The runs of a session that wait for a worker. */
export interface RunQueue {
  /**
   * The next run that there is room for, with its index; undefined if none is left. `no-room`: only clusters are left, and
   * the clusters that run take all the room.
   */
  take(): readonly [index: number, run: RunPlan] | 'no-room' | undefined;
  /** To be called for each run that was taken. */
  end(run: RunPlan): void;
  /** Resolves at the end of the next run. */
  ended(): Promise<void>;
  /** how many were not taken */
  left(): number;
}

/**
 * Runs in their order, but a cluster waits until its nodes have room beside those of other clusters, and the largest one
 * that has room goes first. If small ones went first, a large one would never have room until it is the last, and then it
 * would run alone. `clusterNodes` is the room for all of them together; a larger cluster runs alone.
 */
export function runQueue(runs: readonly RunPlan[], clusterNodes: number): RunQueue {
  const waiting: (readonly [number, RunPlan])[] = [...runs.entries()];
  let used = 0;
  const sleepers: (() => void)[] = [];
  return {
    take() {
      if (waiting.length === 0) return undefined;
      const withRoom = waiting.filter(([, run]) => {
        const needed = nodesOfCluster(run);
        return needed === 0 || used === 0 || used + needed <= clusterNodes;
      });
      const [first] = withRoom;
      if (first === undefined) return 'no-room';
      const taken = nodesOfCluster(first[1]) === 0 ? first : largestOf(withRoom);
      waiting.splice(waiting.indexOf(taken), 1);
      used += nodesOfCluster(taken[1]);
      return taken;
    },
    end(run) {
      used -= nodesOfCluster(run);
      for (const wake of sleepers.splice(0)) wake();
    },
    ended: () => new Promise((resolve) => sleepers.push(resolve)),
    left: () => waiting.length,
  };
}

/** Of several that are equally large, the first. */
const largestOf = (runs: readonly (readonly [number, RunPlan])[]): readonly [number, RunPlan] =>
  runs.reduce((largest, one) => (nodesOfCluster(one[1]) > nodesOfCluster(largest[1]) ? one : largest));

const nodesOfCluster = ({ cluster, nodes }: RunPlan): number => (cluster === undefined ? 0 : nodes.length);

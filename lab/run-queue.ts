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
 * Runs in their order, but a cluster waits until its nodes have room beside those of other clusters. `clusterNodes` is the room
 * for all of them together; a larger cluster runs alone.
 */
export function runQueue(runs: readonly RunPlan[], clusterNodes: number): RunQueue {
  const waiting = [...runs.entries()];
  let used = 0;
  const sleepers: (() => void)[] = [];
  return {
    take() {
      if (waiting.length === 0) return undefined;
      const index = waiting.findIndex(([, run]) => {
        const needed = nodesOfCluster(run);
        return needed === 0 || used === 0 || used + needed <= clusterNodes;
      });
      const [taken] = index < 0 ? [] : waiting.splice(index, 1);
      if (taken === undefined) return 'no-room';
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

const nodesOfCluster = ({ cluster, nodes }: RunPlan): number => (cluster === undefined ? 0 : nodes.length);

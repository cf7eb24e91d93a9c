import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Real sources and real nodes. Needs root on Linux. */
const onNodes = {
  setupFiles: ['test/rig/own-nodes.ts'],
  testTimeout: 600_000,
  hookTimeout: 1_200_000,
};
/** One file at a time, after all files that run side by side. */
const alone = { ...onNodes, fileParallelism: false };
/** Most of these compare the host before and after. A node of another test would change it meanwhile. */
const ALONE = '*.alone.test.ts';

/**
 * Each file has an engine of its own, for which it waits half of the time, or a virtual machine, which needs more than
 * one processor. They run after all others that run side by side. Not more than two: by default a host has inotify
 * instances for two clusters.
 */
const enginesAndMachines = {
  ...onNodes,
  sequence: { groupOrder: 1 },
  maxWorkers: Math.min(2, availableParallelism()),
};
/** These take the longest. By default the largest files are the first, and one of these would be the last, alone. */
const FIRST = ['container/kind-cluster', 'container/indexed-job', 'vm/vm'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = FIRST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return index < 0 ? FIRST.length : index;
    };
    return [...(await super.sort(files))].sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/rig/packed-package.ts'],
    sequence: { sequencer: LongestFirst },
    maxWorkers: Math.min(4, availableParallelism()), // the default leaves one core idle
    projects: [
      // pure, needs no machine, part of `npm run check`
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{backends,browser,sources,container,vm,long}/**'],
          testTimeout: 60_000, // on a busy machine some tests take longer than the default of 5 s
          isolate: false, // a process for each file would take twice as long as all tests
        },
      },
      // together with the above, what `npm test` runs
      {
        test: {
          ...onNodes,
          name: 'nodes',
          include: ['test/{backends,browser,sources}/**/*.test.ts'],
          exclude: [`**/${ALONE}`],
          globalSetup: ['test/rig/fill-cache.ts'],
        },
      },
      { test: { ...alone, name: 'nodes-alone', include: [`test/backends/${ALONE}`] } },
      // together with all of the above, what `npm run test:all` runs
      {
        test: {
          ...onNodes,
          name: 'long',
          include: ['test/long/*.test.ts'],
          exclude: [`**/${ALONE}`],
        },
      },
      { test: { ...alone, name: 'long-alone', include: [`test/long/${ALONE}`] } },
      {
        test: {
          ...enginesAndMachines,
          name: 'container',
          include: ['test/container/**/*.test.ts'],
          exclude: [`**/${ALONE}`],
        },
      },
      { test: { ...enginesAndMachines, name: 'vm', include: ['test/vm/**/*.test.ts'] } },
      { test: { ...alone, name: 'container-alone', include: [`test/container/${ALONE}`] } },
    ],
  },
});

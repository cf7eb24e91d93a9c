import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';

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

export default defineConfig({
  test: {
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
      // Each file has an engine of its own, for which it waits half of the time. They run after all others that run side
      // by side. Not more than two: by default a host has inotify instances for two clusters.
      {
        test: {
          ...onNodes,
          name: 'container',
          include: ['test/container/**/*.test.ts'],
          exclude: [`**/${ALONE}`],
          sequence: { groupOrder: 1 },
          maxWorkers: Math.min(2, availableParallelism()),
        },
      },
      { test: { ...alone, name: 'container-alone', include: [`test/container/${ALONE}`] } },
      // a machine needs all processors
      { test: { ...alone, name: 'vm', include: ['test/vm/**/*.test.ts'] } },
    ],
  },
});

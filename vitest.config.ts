import { defineConfig } from 'vitest/config';

/** Real sources and real nodes. Needs root on Linux. One file at a time, because the machine is shared. */
const onNodes = {
  setupFiles: ['test/rig/own-nodes.ts'],
  fileParallelism: false,
  testTimeout: 600_000,
  hookTimeout: 1_200_000,
};
const project = (name: string, include: readonly string[]) => ({
  test: { ...onNodes, name, include: [...include] },
});

export default defineConfig({
  test: {
    projects: [
      // pure, needs no machine, part of `npm run check`
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{backends,browser,sources,container,vm,long}/**'],
          testTimeout: 60_000, // on a busy machine some tests take longer than the default of 5 s
        },
      },
      // together with the above, what `npm test` runs
      {
        test: {
          ...onNodes,
          name: 'nodes',
          include: ['test/{backends,browser,sources}/**/*.test.ts'],
          globalSetup: ['test/rig/fill-cache.ts'],
        },
      },
      // together with all of the above, what `npm run test:all` runs
      project('container', ['test/container/**/*.test.ts']),
      project('vm', ['test/vm/**/*.test.ts']),
      project('long', ['test/long/**/*.test.ts']),
    ],
  },
});

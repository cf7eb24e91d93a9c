import { defineConfig } from 'vitest/config';

// unit: pure, no machine needed, part of `npm run check`.
// nodes: real sources and real nodes; needs root on Linux, one file at a time because the machine is shared.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/backends/**', 'test/sources/**'],
          testTimeout: 60_000, // on a busy machine some take longer than the default of 5 s
        },
      },
      {
        test: {
          name: 'nodes',
          include: ['test/backends/**/*.test.ts', 'test/sources/**/*.test.ts'],
          setupFiles: ['test/rig/own-nodes.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
        },
      },
    ],
  },
});

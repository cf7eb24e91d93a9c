import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A node starts in a tenth of a second. The first time, its components are downloaded or built.
    testTimeout: 600_000,
  },
});

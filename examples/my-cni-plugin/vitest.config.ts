import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A node is up in a tenth of a second; the first time, what it is made of is downloaded or built.
    testTimeout: 600_000,
  },
});

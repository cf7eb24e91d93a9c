#!/usr/bin/env node
// node scripts/update-pins.mjs [--mirror URL] [--gomod] [COMPONENT VERSION]…
// Adds releases to images/pins.yaml: those named, or all that have come out since. With --gomod, instead, builds the
// versions pinned for gomod whose dependencies images/gomod/ does not hold yet, and holds them.
import { fileURLToPath } from 'node:url';
import { withScript } from './typescript.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
try {
  await withScript('update-pins/main.ts', ({ main }) =>
    main({ root, argv: process.argv.slice(2), env: process.env }),
  );
} catch (thrown) {
  console.error(`update-pins: ${thrown instanceof Error ? thrown.message : thrown}`);
  process.exitCode = 1;
}

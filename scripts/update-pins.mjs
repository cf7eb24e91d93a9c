#!/usr/bin/env node
// node scripts/update-pins.mjs [--mirror URL] [--gomod] [COMPONENT VERSION]…
// Adds releases to images/pins.yaml: the given ones, or all new ones. With --gomod, it instead builds versions that are
// pinned for gomod but whose dependencies are not in images/gomod/ yet, and stores these.
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

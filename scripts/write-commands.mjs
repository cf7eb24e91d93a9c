// node scripts/write-commands.mjs
// Writes docs/commands.md from the help of the commands.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withScript } from './typescript.mjs';

const page = fileURLToPath(new URL('../docs/commands.md', import.meta.url));
await withScript('commands-page.ts', ({ commandsPage }) => writeFileSync(page, commandsPage()));

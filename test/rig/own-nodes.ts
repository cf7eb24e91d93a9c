import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from 'vitest';

import { endNode, readRecords } from '../../lab/nodes/backends/node-records.ts';

// Each test file has a folder of its own for the records of its nodes, and shares only the artifacts with the user.
// So a test never ends or cleans a node that the user keeps.
const folder = join(tmpdir(), `cnilab-nodes-${randomBytes(4).toString('hex')}`);
process.env['CNILAB_STATE'] = folder;

// Not earlier: if all tests of a file are skipped, nothing is removed after them.
beforeAll(() => mkdirSync(folder, { mode: 0o700 }));

afterAll(async () => {
  for (const kind of ['nodes', 'vm-nodes']) {
    const records = join(folder, kind);
    for (const record of await readRecords(records)) await endNode(records, record);
  }
  rmSync(folder, { recursive: true, force: true });
});

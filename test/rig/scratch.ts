import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, onTestFinished, TestRunner } from 'vitest';

/** A folder that is removed: after the test that asks for it, or after the last test of the file if none runs yet. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cnilab-test-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (TestRunner.getCurrentTest() === undefined) afterAll(remove);
  else onTestFinished(remove); // afterAll does nothing within a test
  return folder;
}

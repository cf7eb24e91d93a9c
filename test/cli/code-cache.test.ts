import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

const CODE_CACHE = join(import.meta.dirname, '../../bin/code-cache.cjs');

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'cnilab-code-cache-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a bundle as bin/cnilab.cjs does, in a process of its own. */
function run(bundle: string): string {
  const script = `require(${JSON.stringify(CODE_CACHE)}).runCached(${JSON.stringify(bundle)}, { keep: true })`;
  return execFileSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: folder },
  });
}

const cached = () => readdirSync(join(folder, 'cnilab/code')).toSorted();

test('each checkout keeps the code of its own bundle, and only of its newest one', () => {
  const [first, second] = [join(folder, 'first.cjs'), join(folder, 'second.cjs')];
  writeFileSync(first, 'console.log("first")');
  writeFileSync(second, 'console.log("second")');
  expect(run(first)).toBe('first\n');
  const [ofFirst] = cached();
  expect(run(second)).toBe('second\n');
  expect(cached()).toHaveLength(2);
  expect(cached()).toContain(ofFirst);

  writeFileSync(first, 'console.log("changed")');
  expect(run(first)).toBe('changed\n');
  expect(cached()).toHaveLength(2);
  expect(cached()).not.toContain(ofFirst);
});

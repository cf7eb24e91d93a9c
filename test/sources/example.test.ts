import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../rig/cnilab.ts';
import { installPackage, packPackage } from '../rig/packed-package.ts';
import { makeFolder } from './rig.ts';

/**
 * A user's project: the example, in a folder of its own, with the packed cnilab installed. Its other dependencies are
 * this checkout's, so that no registry is needed. The code in the pages about the library is added.
 */
const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));
let project: string;

beforeAll(() => {
  project = dirname(dirname(installPackage(folder, packPackage())));
  cpSync(join(ROOT, 'examples/my-cni-plugin'), project, { recursive: true });
  writeFileSync(join(project, 'page.test.ts'), codeOf('docs/library.md'));
  writeFileSync(join(project, 'readme.test.ts'), codeOf('README.md'));
  for (const name of ['vitest', 'typescript', '@types/node', '.bin/vitest', '.bin/tsc']) {
    const place = join(project, 'node_modules', name);
    rmSync(place, { recursive: true, force: true }); // a dependency of cnilab may have installed one
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), place);
  }
});

/** All code in a page, which together is one file. */
const codeOf = (page: string): string =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, code]) => code)
    .join('\n');

function npmRun(script: string): { readonly exitCode: number | null; readonly printed: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '', VITEST: '', npm_config_logs_max: '0' };
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', script], {
    cwd: project,
    encoding: 'utf8',
    env,
  });
  return { exitCode: status, printed: stdout + stderr };
}

test('the types of the library, and of its matchers for vitest, are correct', () => {
  expect(npmRun('types')).toEqual({ exitCode: 0, printed: expect.not.stringContaining('error') as string });
});

test('its tests, and those in the pages about the library, pass on real nodes', () => {
  const { exitCode, printed } = npmRun('test');
  expect(printed).toMatch(/Tests {2}13 passed \(13\)/);
  expect(exitCode).toBe(0);
});

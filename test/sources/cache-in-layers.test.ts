import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bundleOf } from '../rig/bundle.ts';
import { makeFolder } from './rig.ts';

const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));

for (const name of ['cache', 'room']) mkdirSync(join(folder, name));

// A layer over the cache that only this process and its children see. A container has such a layer over its image.
const layer = `mount -t tmpfs none room && mkdir room/upper room/work &&
  mount -t overlay -o lowerdir=cache,upperdir=room/upper,workdir=room/work none cache`;
const mountable = spawnSync('unshare', ['--mount', 'sh', '-c', layer], { cwd: folder }).status === 0;

const cacheModule = JSON.stringify(join(import.meta.dirname, '../../lab/artifacts/cache/cache.ts'));

describe.skipIf(!mountable)(
  `a cache in a lower layer${mountable ? '' : ' (no overlay can be mounted here: needs root)'}`,
  () => {
    test('uses the same files again for another request', async () => {
      const program = await bundleOf(
        folder,
        `import { readFileSync, writeFileSync } from 'node:fs';
       import { createCache } from ${cacheModule};
       const [request = ''] = process.argv.slice(2);
       const cache = createCache({ cacheHostPath: 'cache', env: process.env });
       const options = { signal: new AbortController().signal, onWait: () => {} };
       const made = await cache.make(request, options, async (staging) => {
         writeFileSync(staging.treeHostPath + '/file', 'content');
         return cache.publish(request, staging, { name: 'x', version: '1', source: 'own', madeBy: request });
       });
       const found = await cache.find(request);
       console.log(found?.key === made.key, readFileSync(found?.hostPath + '/file', 'utf8'));`,
      );
      const argv = [process.execPath, program];
      expect(execFileSync(argv[0] ?? '', [program, 'one'], { cwd: folder, encoding: 'utf8' })).toBe(
        'true content\n',
      );
      const above = ['--mount', 'sh', '-c', `${layer} && exec "$0" "$@"`, ...argv, 'two'];
      const { stdout, stderr } = spawnSync('unshare', above, { cwd: folder, encoding: 'utf8' });
      expect({ stdout, stderr }).toEqual({ stdout: 'true content\n', stderr: '' });
    });
  },
);

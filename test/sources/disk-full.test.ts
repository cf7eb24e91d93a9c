import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bundleOf } from '../rig/bundle.ts';
import { makeFolder } from './rig.ts';

const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));

// A disk that only this process and its children see.
const mountable = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

const path = (name: string) => JSON.stringify(join(import.meta.dirname, '../../lab', name));

describe.skipIf(!mountable)(
  `a full disk${mountable ? '' : ' (no tmpfs can be mounted here: needs root)'}`,
  () => {
    test('is one clear error, and leaves no incomplete entry', async () => {
      mkdirSync(join(folder, 'disk'));
      const program = await bundleOf(
        folder,
        `import { createServer } from 'node:http';
       import { createHash } from 'node:crypto';
       import { readdirSync } from 'node:fs';
       import { createCache } from ${path('artifacts/cache/cache.ts')};
       import { createRelease } from ${path('artifacts/sources/release.ts')};
       import { obtain } from ${path('artifacts/sources/obtain.ts')};
       import { createConnect } from ${path('host/connect.ts')};
       import { createHttp } from ${path('host/http.ts')};
       import { pinsWith } from ${JSON.stringify(join(import.meta.dirname, '../rig/pins.ts'))};
       const content = Buffer.alloc(4 * 1024 * 1024, 'not all zero');
       const server = createServer((_request, response) => response.end(content));
       await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
       const address = server.address();
       const mirror = 'http://127.0.0.1:' + (typeof address === 'object' ? address?.port : '');
       const http = createHttp({ connect: createConnect({ env: {}, connectTimeoutMs: 3000 }), stallTimeoutMs: 5000 });
       const pins = pinsWith({ runc: { '1.1.15': createHash('sha256').update(content).digest('hex') } });
       const release = createRelease({ pins, arch: 'amd64', http, mirror, offline: false });
       const recipe = release.recipe({ component: 'runc', version: '1.1.15' });
       if (!recipe.ok) throw new Error(recipe.error.why);
       const cache = createCache({ cacheHostPath: 'disk/cache', env: process.env });
       try {
         await obtain(recipe.value, { cache, what: 'runc', signal: new AbortController().signal, onEvent: () => {} });
       } catch (thrown) {
         console.log(String(thrown));
       }
       console.log(readdirSync('disk/cache').sort().join(' '), readdirSync('disk/cache/staging').length);
       server.close();`,
      );
      const size = 'size=1m';
      const shell = `mount -t tmpfs -o ${size} none disk && exec "$0" "$1"`;
      const { stdout, stderr } = spawnSync(
        'unshare',
        ['--mount', 'sh', '-c', shell, process.execPath, program],
        {
          cwd: folder,
          encoding: 'utf8',
        },
      );
      expect(stderr).toBe('');
      expect(stdout).toBe(
        `LabError: no space left for the cache in disk/cache; make room, run "cnilab clean --cache", or set XDG_CACHE_HOME to a folder on another disk
locks staging 0
`,
      );
    });
  },
);

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type Docker from 'dockerode';

import { tarOf } from '../../lab/nodes/backends/container/volume.ts';

/**
 * An image of a replacement for testcontainers' reaper (rig/reaper/main.go), with the same layout as the original.
 * `silentFor`: it does not work, and ends after this time.
 */
export async function importReaper(
  docker: Docker,
  { repo, tag, folder, silentFor }: { repo: string; tag: string; folder: string; silentFor?: string },
): Promise<void> {
  const program = join(folder, 'ryuk');
  execFileSync('go', ['build', '-trimpath', '-o', program, '.'], {
    cwd: new URL('reaper', import.meta.url),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const command = ['/bin/ryuk', ...(silentFor === undefined ? [] : [silentFor])];
  const tar = tarOf([{ folder: 'bin' }, { file: 'bin/ryuk', content: readFileSync(program), mode: 0o755 }]);
  const changes = [`CMD ${JSON.stringify(command)}`, 'LABEL org.testcontainers.ryuk=true'];
  const news = await docker.importImage(tar, { fromSrc: '-', repo, tag, changes });
  for await (const _ of news);
}

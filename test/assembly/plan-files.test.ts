import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { preparePlan } from '../../lab/assembly/plan-files.ts';
import { fakeWorld } from '../rig/fake-world.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
const world = fakeWorld({ cwd: folder });

const planOf = (node: string) => {
  const text = `name: s\nsummary: s\nmatrix: { containerd: [1.6.3, 1.6.4] }\nnode: ${node}\nsteps: [{ run-pod: web }]\n`;
  writeFileSync(join(folder, 's.yaml'), text);
  return preparePlan(world, {
    names: ['s.yaml'],
    flags: { backend: 'bare' },
    pins: readPins(world),
    note: () => undefined,
  });
};

test('an archive of images is in the plan by its absolute path', async () => {
  writeFileSync(join(folder, 'app.tar'), '');
  const { runs } = await planOf('{ containerd: "${matrix.containerd}", images: [app.tar] }');
  expect(runs.map(({ nodes: [node] }) => node?.images)).toEqual(Array(2).fill([join(folder, 'app.tar')]));
});

test('an archive of images that is not there is one mistake at its place, and a folder is none', async () => {
  const missing = join(folder, 'missing.tar');
  await expect(planOf('{ containerd: "${matrix.containerd}", images: [missing.tar, ./] }')).rejects.toThrow(
    `2 mistakes, and nothing was run

s.yaml:4:54 ${missing} cannot be read: ENOENT: no such file or directory, stat '${missing}'
    node: { containerd: "$\{matrix.containerd}", images: [missing.tar, ./] }
                                                         ~~~~~~~~~~~

s.yaml:4:67 ${folder} is not a file
    node: { containerd: "$\{matrix.containerd}", images: [missing.tar, ./] }
                                                                      ~~`,
  );
});

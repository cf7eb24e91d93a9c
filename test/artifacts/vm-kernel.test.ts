import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { vmKernelRecipe } from '../../lab/artifacts/own/vm-kernel.ts';
import { err } from '../../lab/core/lab-error.ts';
import { createExec } from '../../lab/host/exec.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cnilab-vm-kernel-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const never = () =>
  Promise.resolve(err({ source: 'debian' as const, reason: 'not-here' as const, why: 'unasked' }));

function recipeOf(kernel: string) {
  const apt = {
    allFor: never,
    missingFor: never,
    unpack: never,
    versionsIn: never,
    hostRelease: async () => ({ id: 'debian', codename: 'bookworm' }),
  };
  return vmKernelRecipe({ arch: 'amd64', apt, exec: createExec({ env: process.env }), kernel, suites: [] });
}

/** The beginning of a bzImage with this release. */
function bzImage(release: string): Buffer {
  const image = Buffer.alloc(0x400);
  image.write('HdrS', 0x202);
  image.writeUInt16LE(0x100, 0x20e);
  image.write(`${release} (somebody@somewhere) #1 SMP\0`, 0x300);
  return image;
}

function localKernel({ release, folderName }: { release: string; folderName: string }): string {
  const modules = join(folder, folderName);
  mkdirSync(join(modules, 'kernel/net'), { recursive: true });
  writeFileSync(join(modules, 'kernel/net/veth.ko'), 'one');
  writeFileSync(join(folder, 'vmlinuz'), bzImage(release));
  return `local:${join(folder, 'vmlinuz')},${modules}`;
}

const refusalOf = (kernel: string) =>
  recipeOf(kernel).make(join(folder, 'tree'), {
    signal: new AbortController().signal,
    scratchHostPath: join(folder, 'scratch'),
    progress: () => undefined,
  });

test('a local kernel is made again only if one of its modules changes', () => {
  const kernel = localKernel({ release: '6.1.0-9', folderName: '6.1.0-9' });
  const before = recipeOf(kernel).request;
  expect(recipeOf(kernel).request).toBe(before);
  writeFileSync(join(folder, '6.1.0-9/kernel/net/veth.ko'), 'other');
  expect(recipeOf(kernel).request).not.toBe(before);
});

test('modules of a kernel other than the named one are rejected before anything is made', async () => {
  const wayOut = 'name both: --kernel local:/boot/vmlinuz-6.1.0-9,/lib/modules/6.1.0-9';
  expect(await refusalOf(localKernel({ release: '6.1.0-9', folderName: '6.1.0-8' }))).toEqual(
    err({
      source: 'own',
      reason: 'not-there',
      why: `${folder}/vmlinuz is 6.1.0-9, and its folder of modules would be named so, not 6.1.0-8`,
      wayOut,
    }),
  );
  expect(await refusalOf(`local:${folder}/gone,${folder}/none`)).toEqual(
    err({
      source: 'own',
      reason: 'not-there',
      why: `${folder}/gone is no file; ${folder}/none has no kernel/ with modules`,
      wayOut,
    }),
  );
});

import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { createApt } from '../../lab/artifacts/apt/apt.ts';
import { withLock } from '../../lab/artifacts/cache/lock.ts';
import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { createLeashedExec } from '../../lab/host/exec.ts';
import { findQemu } from '../../lab/nodes/backends/vm/qemu.ts';

/** Firmware and option ROMs, which QEMU expects beside itself. */
const DATA = ['usr/share/qemu', 'usr/share/seabios', 'usr/lib/ipxe/qemu'];

/** The machine's QEMU, or the one of its distribution, unpacked in the cache and not installed. */
export async function qemuForTests(): Promise<string> {
  const world = ambientWorld();
  const { env, arch, platform, cacheHostPath } = world;
  if (arch === 'other') throw new Error('there is no QEMU for nodes here');
  const there = findQemu({ arch, platform, named: env['CNILAB_QEMU'], path: env['PATH'] });
  if (there !== undefined) return there;
  const folder = join(cacheHostPath, 'vm/qemu');
  const wrapper = join(folder, 'qemu');
  const { signal } = new AbortController();
  await mkdir(dirname(folder), { recursive: true });
  await withLock({ lockHostPath: `${folder}.lock`, env, signal, onWait: () => undefined }, async () => {
    if (existsSync(wrapper)) return;
    const making = `${folder}.new`;
    await rm(making, { recursive: true, force: true });
    const pins = readPins(world);
    const apt = createApt({
      exec: createLeashedExec({ env }),
      env,
      cacheHostPath,
      http: { reach: async () => undefined },
      clock: world.clock,
      offline: false,
      arch,
      debianSuites: pins.debianSuites,
      securitySuites: pins.debianSecuritySuites,
    });
    const { codename } = await apt.hostRelease();
    const name = arch === 'amd64' ? 'qemu-system-x86' : 'qemu-system-arm';
    const packages = await apt.missingFor(name, codename, signal);
    if (!packages.ok) throw new Error(packages.error.why);
    const into = { treeHostPath: join(making, 'tree'), scratchHostPath: join(making, 'scratch'), signal };
    const unpacked = await apt.unpack(packages.value, into);
    if (!unpacked.ok) throw new Error(unpacked.error.why);
    await rm(into.scratchHostPath, { recursive: true, force: true });
    await writeFile(join(making, 'qemu'), await wrapperFor(into.treeHostPath, join(folder, 'tree')));
    await chmod(join(making, 'qemu'), 0o755);
    await rename(making, folder);
  });
  return wrapper;
}

async function wrapperFor(treeHostPath: string, finallyAt: string): Promise<string> {
  const entries = await readdir(treeHostPath, { recursive: true, withFileTypes: true });
  const libraries = new Set(
    entries
      .filter(({ name }) => /\.so(\.|$)/.test(name))
      .map(({ parentPath }) => parentPath.replace(treeHostPath, finallyAt)),
  );
  const program = entries.find(({ name }) => /^qemu-system-(x86_64|aarch64)$/.test(name));
  if (program === undefined) throw new Error('the package has no QEMU');
  const data = DATA.map((folder) => `-L ${finallyAt}/${folder}`).join(' ');
  return [
    '#!/bin/sh',
    `LD_LIBRARY_PATH=${[...libraries].join(':')} exec ${program.parentPath.replace(treeHostPath, finallyAt)}/${program.name} ${data} "$@"`,
    '',
  ].join('\n');
}

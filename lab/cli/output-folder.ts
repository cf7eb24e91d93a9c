import { accessSync, constants, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { BadInput, messageOf } from '../core/lab-error.ts';
import { isFolder } from '../host/machine.ts';
import type { World } from '../assembly/world.ts';

/** Where a new session is recorded: a folder of its own in the one that `--output` names. */
export function sessionFolder(
  world: World,
  { output, sessionId }: { readonly output: string; readonly sessionId: string },
): string {
  const time = world.clock.date().toISOString().slice(0, 19).replaceAll(':', '');
  return join(outputFolder(world, output), `${time}-${sessionId}`);
}

/** Made now, so that a path that cannot be written is known before anything runs. */
function outputFolder(world: World, path: string): string {
  if (path === '') throw new BadInput('--output wants a folder; got ""');
  const hostPath = resolve(world.cwd, path);
  try {
    makeFolders(hostPath);
    accessSync(hostPath, constants.W_OK);
  } catch (cause) {
    throw new BadInput(`runs cannot be recorded in ${hostPath}`, { cause });
  }
  return hostPath;
}

/** Not `recursive`: Node 20 then tries for ever where the kernel refuses with ENOENT, as it does in /proc. */
function makeFolders(hostPath: string): void {
  if (isFolder(hostPath)) return;
  makeFolders(dirname(hostPath));
  try {
    mkdirSync(hostPath);
  } catch (thrown) {
    if (!isFolder(hostPath)) throw thrown; // another lab made it meanwhile
  }
}

/** `.cnilab/latest` always leads to the newest session; that it cannot is no reason to doubt what was seen. */
export function pointLatestAt(world: World, outputHostPath: string): void {
  if (!existsSync(outputHostPath)) return;
  const latest = join(outputHostPath, '../latest');
  try {
    if (lstatSync(latest, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(latest);
    if (!existsSync(latest)) symlinkSync(basename(outputHostPath), latest);
  } catch (thrown) {
    world.err.write(`cnilab: ${latest} does not lead to this session: ${messageOf(thrown)}\n`);
  }
}

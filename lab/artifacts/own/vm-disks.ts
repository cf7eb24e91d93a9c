import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok } from '../../core/lab-error.ts';
import type { Artifact, Recipe } from '../artifact.ts';
import { cpio, type CpioEntry, readTar, folderNode, place } from '../disk/tree.ts';
import { modulesInOrder } from '../disk/modules.ts';
import { writeDisk } from '../disk/erofs.ts';

/** root.erofs: the file system of every node, with the modules of the kernel where modprobe looks for them. */
export function vmRootRecipe({ nodeRoot, kernel }: { nodeRoot: Artifact; kernel: Artifact }): Recipe {
  return {
    source: 'own',
    name: 'vm-root',
    version: kernel.version,
    request: JSON.stringify({ own: 'vm-root', nodeRoot: nodeRoot.key, kernel: kernel.key, revision: 2 }),
    async make(treeHostPath, { progress }) {
      progress('writing the root disk');
      const root = folderNode();
      await readTar(join(nodeRoot.hostPath, 'root.tar'), root);
      await readTar(join(kernel.hostPath, 'modules.tar'), root, 'usr/lib/modules');
      // mount points that the agent needs while it sets up the root of the node
      for (const folder of ['proc', 'sys', 'dev', 'mnt', 'usr/local']) place(root, folder, folderNode());
      await writeDisk(join(treeHostPath, 'root.erofs'), root);
      return ok({ madeBy: `node-root ${nodeRoot.version} with the modules of kernel ${kernel.version}` });
    },
  };
}

/** Modules that the agent needs before it can reach a disk and the lab. It loads all others from the disk. */
const NEEDED_MODULES = ['virtio_pci', 'virtio_blk', 'virtio_console', 'erofs', 'overlay'];

/** initrd: the agent, and the modules that it needs to reach the root disk and the lab. */
export function vmInitrdRecipe({ nodeTools, kernel }: { nodeTools: Artifact; kernel: Artifact }): Recipe {
  const agent = nodeTools.files.find(({ path }) => path === 'bin/agent');
  const parts = { agent: agent?.sha256, kernel: kernel.key, modules: NEEDED_MODULES };
  return {
    source: 'own',
    name: 'vm-initrd',
    version: kernel.version,
    request: JSON.stringify({ own: 'vm-initrd', ...parts, revision: 2 }),
    async make(treeHostPath) {
      const tree = folderNode();
      await readTar(join(kernel.hostPath, 'modules.tar'), tree);
      const modules = modulesInOrder(tree, NEEDED_MODULES);
      if (!modules.ok)
        return err({
          source: 'own',
          reason: 'broken',
          why: `the kernel ${kernel.version} does not serve as a node's: ${modules.error}`,
          wayOut: 'name a kernel that has these drivers, as modules or built in',
        });
      const content = await readFile(join(nodeTools.hostPath, 'bin/agent'));
      await writeFile(join(treeHostPath, 'initrd'), cpio(initrdEntries(content, modules.value)));
      return ok({ madeBy: `node-tools ${nodeTools.version} with modules of kernel ${kernel.version}` });
    },
  };
}

function initrdEntries(
  agent: Buffer,
  modules: readonly { readonly name: string; readonly bytes: Buffer }[],
): readonly CpioEntry[] {
  const file = (path: string, content: Buffer): CpioEntry => ({ path, kind: 'file', content });
  return [
    { path: 'dev', kind: 'folder' },
    { path: 'dev/console', kind: 'device', major: 5, minor: 1 },
    { path: 'agent', kind: 'file', executable: true, content: agent },
    { path: 'modules', kind: 'folder' },
    file('modules/order', Buffer.from(modules.map(({ name }) => `${name}\n`).join(''))),
    ...modules.map(({ name, bytes }) => file(`modules/${name}`, bytes)),
  ];
}

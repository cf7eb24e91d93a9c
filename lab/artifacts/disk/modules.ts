import { err, ok, type Result } from '../../core/lab-error.ts';
import type { FolderNode, TreeNode } from './tree.ts';

export interface KernelModule {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * The wanted modules of a kernel and the modules that they need, in the order in which they must be loaded. `tree` is
 * lib/modules. Modules that are built into the kernel are left out. The error names a module that the kernel does not
 * have.
 */
export function modulesInOrder(
  tree: FolderNode,
  wanted: readonly string[],
): Result<readonly KernelModule[], string> {
  const all = [...filesBelow(tree)];
  const files = new Map(all.map(([name, bytes]) => [moduleName(name), { name, bytes }]));
  const listed = (list: string): readonly string[] =>
    all.filter(([name]) => name === list).flatMap(([, bytes]) => bytes.toString().split('\n'));
  const builtIn = new Set(listed('modules.builtin').map(moduleName));
  const asksFor = softDependencies(listed('modules.softdep'), listed('modules.alias'));
  const ordered = new Map<string, KernelModule>();
  const missing = new Set<string>();
  const add = (name: string): void => {
    if (ordered.has(name) || builtIn.has(name)) return;
    const module = files.get(name);
    if (module === undefined) {
      missing.add(name);
      return;
    }
    for (const needed of dependsOn(module.bytes)) add(needed);
    for (const asked of asksFor(name).filter((other) => files.has(other))) add(asked);
    ordered.set(name, module);
  };
  for (const name of wanted) add(name);
  return missing.size === 0
    ? ok([...ordered.values()])
    : err(`it has no ${[...missing].join(', no ')}, neither as a module nor built in`);
}

/** The module name of kernel/drivers/char/hw_random/virtio-rng.ko is virtio_rng. */
const moduleName = (path: string): string =>
  (path.split('/').at(-1) ?? '').replace(/\.ko$/, '').replaceAll('-', '_');

/** Read from the section .modinfo, a text in which NUL ends each line. */
function dependsOn(module: Buffer): readonly string[] {
  const depends = /\0depends=([^\0]*)\0/.exec(module.toString('latin1'))?.[1] ?? '';
  return depends
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}

/**
 * What a module asks the kernel for while it is loaded: libcrc32c needs a crc32c. In an initramfs nothing else provides
 * it. If several modules provide it, the generic one is used, because others are for certain processors.
 */
function softDependencies(softdep: readonly string[], alias: readonly string[]) {
  const named = new Map<string, string[]>();
  for (const line of alias) {
    const [word, name = '', module = ''] = line.split(' ');
    if (word === 'alias' && module.endsWith('_generic'))
      named.set(name, [...(named.get(name) ?? []), module]);
  }
  const before = new Map<string, readonly string[]>();
  for (const line of softdep) {
    const [, name = '', words = ''] = /^softdep (\S+) .*?pre: ([^:]*)(?: post:|$)/.exec(line) ?? [];
    before.set(
      moduleName(name),
      words
        .split(' ')
        .filter((word) => word !== '')
        .flatMap((word) => [moduleName(word), ...(named.get(word) ?? [])]),
    );
  }
  return (module: string): readonly string[] => before.get(module) ?? [];
}

function* filesBelow(node: TreeNode, name = ''): Generator<readonly [string, Buffer]> {
  if (node.kind === 'folder') for (const [below, entry] of node.entries) yield* filesBelow(entry, below);
  if (node.kind === 'file' && 'bytes' in node.content) yield [name, node.content.bytes];
}

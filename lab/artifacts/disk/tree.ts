/** Where the bytes of a file are: in a file of this host, from an offset on, or here. */
export type FileContent =
  | { readonly hostPath: string; readonly offset: number; readonly sizeBytes: number }
  | { readonly bytes: Buffer };

export interface FolderNode {
  readonly kind: 'folder';
  readonly mode: number;
  readonly entries: Map<string, TreeNode>;
}

/** What a file system is to hold. One node may stand under several names: a hard link. All of it is root's. */
export type TreeNode =
  | FolderNode
  | { readonly kind: 'file'; readonly mode: number; readonly content: FileContent }
  | { readonly kind: 'link'; readonly target: string };

export const folderNode = (mode = 0o755): FolderNode => ({ kind: 'folder', mode, entries: new Map() });

export const sizeOf = (content: FileContent): number =>
  'bytes' in content ? content.bytes.length : content.sizeBytes;

/** Puts a node at a path, making the folders above it. */
export function place(root: FolderNode, path: string, node: TreeNode): void {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) return;
  let folder = root;
  for (const above of names) {
    const next = folder.entries.get(above);
    if (next?.kind === 'folder') {
      folder = next;
      continue;
    }
    const made = folderNode();
    folder.entries.set(above, made);
    folder = made;
  }
  const there = folder.entries.get(name);
  if (node.kind === 'folder' && there?.kind === 'folder') return;
  folder.entries.set(name, node);
}

export function find(root: FolderNode, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const name of namesOf(path)) node = node?.kind === 'folder' ? node.entries.get(name) : undefined;
  return node;
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

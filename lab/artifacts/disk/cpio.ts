/** One entry of an initramfs. A folder must stand before what is in it. */
export type CpioEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'file'; readonly executable?: boolean; readonly content: Buffer }
  | { readonly path: string; readonly kind: 'device'; readonly major: number; readonly minor: number };

/** A cpio archive of the kind that the kernel unpacks at its start ("newc"): docs.kernel.org, initramfs buffer format. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const packed = entries.map((entry, index) => {
    const content = entry.kind === 'file' ? entry.content : Buffer.alloc(0);
    const mode = {
      folder: 0o040755,
      file: entry.kind === 'file' && entry.executable === true ? 0o100755 : 0o100644,
      device: 0o020600,
    }[entry.kind];
    const device = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0];
    return record({ path: entry.path, inode: index + 1, mode, content, device });
  });
  return Buffer.concat([
    ...packed,
    record({ path: 'TRAILER!!!', inode: 0, mode: 0, content: Buffer.alloc(0), device: [0, 0] }),
  ]);
}

interface CpioRecord {
  readonly path: string;
  readonly inode: number;
  readonly mode: number;
  readonly content: Buffer;
  readonly device: readonly number[];
}

function record({ path, inode, mode, content, device }: CpioRecord): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, name.length, 0];
  const header = Buffer.from(
    `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`,
    'latin1',
  );
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(content)]);
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

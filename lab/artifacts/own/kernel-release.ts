import { open } from 'node:fs/promises';

/** Where a bzImage has its own description: https://docs.kernel.org/arch/x86/boot.html, "header" and "kernel_version". */
const MAGIC = { offset: 0x202, text: 'HdrS' };
const VERSION_POINTER = { offset: 0x20e, from: 0x200 };
const HEAD_BYTES = 64 * 1024;

/** What `uname -r` says on this kernel; undefined where the file does not tell, as on other architectures. */
export async function kernelRelease(vmlinuzHostPath: string): Promise<string | undefined> {
  const file = await open(vmlinuzHostPath);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    if (!head.subarray(MAGIC.offset).toString('latin1').startsWith(MAGIC.text)) return undefined;
    const at = VERSION_POINTER.from + head.readUInt16LE(VERSION_POINTER.offset);
    return /^[^ \0]+/.exec(head.subarray(at).toString('latin1'))?.[0];
  } finally {
    await file.close();
  }
}

import { APP_IMAGE, SANDBOX_IMAGE } from '../../core/images.ts';
import { readFile, writeFile } from 'node:fs/promises';
import { unreachable } from '../../core/unreachable.ts';
import type { Arch } from '../../core/architecture.ts';
import type { ImageFile, OciImage } from './oci-image.ts';

/** By the name of the artifact: what pod sandboxes run, and what containers run. */
export type LabImageName = 'pause-image' | 'app-image';

export interface LabImageOptions {
  readonly name: LabImageName;
  readonly arch: Arch;
  /** the one program that the image is made of, statically linked: our pause, or busybox */
  readonly programHostPath: string;
  readonly archiveHostPath: string;
}

/** Writes one of the lab's images as an archive for `ctr images import`. */
export async function packLabImage({
  name,
  arch,
  programHostPath,
  archiveHostPath,
}: LabImageOptions): Promise<void> {
  const { packOciImage } = await import('./oci-image.ts'); // a warm run packs nothing
  const program = await readFile(programHostPath);
  await writeFile(archiveHostPath, await packOciImage(labImage({ name, arch, program })));
}

/** The names are those of nodes/containerd-config.ts and steps/containers.ts. */
export function labImage({
  name,
  arch,
  program,
}: {
  name: LabImageName;
  arch: Arch;
  program: Buffer;
}): OciImage {
  switch (name) {
    case 'pause-image':
      return {
        name: SANDBOX_IMAGE,
        arch,
        files: [{ path: '/pause', content: program, mode: 0o755 }],
        entrypoint: ['/pause'],
        env: {},
      };
    case 'app-image':
      return {
        name: APP_IMAGE,
        arch,
        files: busyboxFiles(program, APPLETS),
        entrypoint: [],
        env: { PATH: '/bin' },
      };
    default:
      return unreachable(name);
  }
}

export const ROOT_USER = 'root:x:0:0:root:/root:/bin/sh\n';

/** A root file system of a static busybox. */
export const busyboxFiles = (
  program: Buffer,
  applets: readonly string[],
  passwd = ROOT_USER,
): readonly ImageFile[] => [
  { path: '/bin/busybox', content: program, mode: 0o755 },
  ...applets.map((applet) => ({ path: `/bin/${applet}`, linkTo: 'busybox' })),
  { path: '/etc/passwd', content: passwd, mode: 0o644 },
  { path: '/root', folder: true, mode: 0o700 },
  { path: '/tmp', folder: true, mode: 0o1777 },
];

/** The applets that have a name of their own in the app image; every other is there as `busybox NAME`. */
export const APPLETS =
  'ash awk cat chmod cp cut date dd df dmesg echo env expr false find grep head hostname httpd id ifconfig ip kill ln ls mkdir mount mv nc netstat nslookup ping ping6 printf ps pwd readlink rm rmdir route sed seq sh sleep sort stat tail tee test time timeout top touch tr traceroute true umount uname uniq vi wc wget which xargs yes'.split(
    ' ',
  );

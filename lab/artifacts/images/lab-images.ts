import { readFile, writeFile } from 'node:fs/promises';

import { APP_IMAGE, SANDBOX_IMAGE, type Arch } from '../../core/components.ts';
import { unreachable } from '../../core/lab-error.ts';
import type { ImageFile, OciImage } from './oci-image.ts';

/** Names of artifacts: the image of pod sandboxes, and the image of containers. */
export type LabImageName = 'pause-image' | 'app-image';

export interface LabImageOptions {
  readonly name: LabImageName;
  readonly arch: Arch;
  /** the only program of the image, statically linked: pause of the lab, or busybox */
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

/** The image names are those in core/components.ts. */
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

/** A root file system with a static busybox. */
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

/** The applets that have their own name in the app image. The others can be run as `busybox NAME`. */
export const APPLETS =
  'ash awk cat chmod cp cut date dd df dmesg echo env expr false find grep head hostname httpd id ifconfig ip kill ln ls mkdir mount mv nc netstat nslookup ping ping6 printf ps pwd readlink rm rmdir route sed seq sh sleep sort stat tail tee test time timeout top touch tr traceroute true umount uname uniq vi wc wget which xargs yes'.split(
    ' ',
  );

export interface CritestPrograms {
  /** statically linked */
  readonly busybox: Buffer;
  /** of images/critest */
  readonly webserver: Buffer;
  readonly nnp: Buffer;
}

/**
 * Images that replace those that critest uses, under the same names without the registry. Based on images/ of cri-tools
 * and test/images of Kubernetes.
 */
export function critestImages(arch: Arch, programs: CritestPrograms): readonly OciImage[] {
  const applets = [...APPLETS.filter((applet) => applet !== 'ls'), 'brctl', 'pidof'];
  const base = [
    ...busyboxFiles(programs.busybox, applets, `${ROOT_USER}nobody:x:65534:65534::/:/bin/sh\n`),
    ...BESIDES,
  ];
  const image = (name: string, more: Partial<Omit<OciImage, 'name' | 'arch'>> = {}): OciImage => ({
    name,
    arch,
    base,
    files: [{ path: '/etc/image', content: `${name}\n`, mode: 0o644 }],
    entrypoint: ['sh'],
    env: { PATH: '/bin' },
    ...more,
  });
  const webServer = (name: string, command: readonly [string, ...string[]]): OciImage =>
    image(name, {
      files: [{ path: `/bin/${command[0]}`, content: programs.webserver, mode: 0o755 }],
      entrypoint: command,
    });
  const same = { files: [{ path: '/etc/image', content: 'same\n', mode: 0o644 }] };
  return [
    image('e2e-test-images/busybox:1.29-2'),
    image('pause:3.9'),
    webServer('e2e-test-images/nginx:1.14-2', ['nginx', 'master process']),
    webServer(`k8s-staging-cri-tools/hostnet-nginx-${arch}:latest`, ['nginx', 'master process', '12003']),
    webServer('e2e-test-images/httpd:2.4.39-4', ['httpd']),
    image('e2e-test-images/nonewprivs:1.3', {
      files: [{ path: '/bin/nnp', content: programs.nnp, mode: 0o4755 }],
      entrypoint: ['nnp'],
    }),
    image('k8s-staging-cri-tools/test-image-user-uid:latest', { user: '1002' }),
    image('k8s-staging-cri-tools/test-image-user-username:latest', { user: 'www-data' }),
    image('k8s-staging-cri-tools/test-image-user-uid-group:latest', { user: '1003:1004' }),
    image('k8s-staging-cri-tools/test-image-user-username-group:latest', { user: 'www-data:1004' }),
    image('k8s-staging-cri-tools/test-image-predefined-group:latest', {
      files: PREDEFINED_GROUP,
      user: '1000',
    }),
    ...['1', '2', '3', 'latest'].map((n) => image(`k8s-staging-cri-tools/test-image-${n}:latest`)),
    ...['1', '2', '3'].map((n) => image(`k8s-staging-cri-tools/test-image-tags:${n}`, same)),
    ...['test', 'all'].map((tag) => image(`k8s-staging-cri-tools/test-image-tag:${tag}`)),
  ];
}

const BESIDES: readonly ImageFile[] = [
  // critest mounts over this path, which must not hide the shell
  { path: '/bin/ls', sameAs: '/bin/busybox', mode: 0o755 },
  // critest runs this in containers, but busybox of Debian does not have it
  { path: '/bin/ipcs', content: '#!/bin/sh\nexec cat /proc/sysvipc/shm\n', mode: 0o755 },
  { path: '/bin/pgrep', content: '#!/bin/sh\nexec pidof "$@"\n', mode: 0o755 },
];

const PREDEFINED_GROUP: readonly ImageFile[] = [
  {
    path: '/etc/passwd',
    content: `${ROOT_USER}default-user:x:1000:1000::/tmp:/bin/sh\n`,
    mode: 0o644,
  },
  {
    path: '/etc/group',
    content: 'root:x:0:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n',
    mode: 0o644,
  },
];

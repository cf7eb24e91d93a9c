import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pins } from '../../lab/plan/pins.ts';
import { artifactsIn, makeFolder, packageHostPath, pathWithout, realPins, signal } from './rig.ts';

/** A user with the official releases and the npm package, without Go and Debian. */
const folder = makeFolder();
const files = new Map<string, Buffer>();
const asked: string[] = [];
let server: Server;
let pins: Pins;

const script = (says: string) => `#!/bin/sh\necho '${says}'\n`;

async function archiveOf(programs: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(programs)) tar.entry({ name, mode: 0o755 }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const content = files.get(request.url ?? '');
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const real = realPins();
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const served = {
    containerd: [
      '1.6.3',
      await archiveOf({
        'bin/containerd': script('containerd v1.6.3'),
        'bin/containerd-shim-runc-v2': script(''),
        'bin/ctr': script('ctr'),
      }),
    ],
    runc: ['1.1.15', Buffer.from(script('runc version 1.1.15'))],
    'cni-plugins': [
      '0.9.1',
      await archiveOf({
        './bridge': script('b'),
        './loopback': script('l'),
        './host-local': script('h'),
        './portmap': script('p'),
      }),
    ],
    crictl: ['1.25.0', await archiveOf({ crictl: script('crictl version v1.25.0') })],
  } as const;
  const withSum = (component: keyof typeof served) => {
    const [version, content] = served[component];
    const { release, ...rest } = real.components[component];
    const url = new URL(release.url.replaceAll('{version}', version).replaceAll('{arch}', arch));
    files.set(url.pathname, content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { ...rest, release: { ...release, sums: { ...release.sums, [version]: { [arch]: sha256 } } } };
  };
  pins = {
    ...real,
    components: {
      ...real.components,
      containerd: withSum('containerd'),
      runc: withSum('runc'),
      'cni-plugins': withSum('cni-plugins'),
      crictl: withSum('crictl'),
    },
  };
  // What the npm package contains, and this checkout does not.
  const carried = join(folder, 'package/images/node-tools/dist', arch);
  mkdirSync(carried, { recursive: true });
  for (const tool of ['agent', 'cni-fake', 'cni-recorder', 'crictl', 'pause'])
    writeFileSync(join(carried, tool), script(tool));
  cpSync(join(packageHostPath, 'images/gomod'), join(folder, 'package/images/gomod'), { recursive: true });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test('everything for a scenario with pods is available without go, apt and Debian', async () => {
  const { artifacts } = artifactsIn(folder, {
    pins,
    packageHostPath: join(folder, 'package'),
    mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    env: {
      PATH: pathWithout(folder, ['go', 'apt-get', 'apt-cache', 'apt-config', 'dpkg', 'dpkg-deb']),
      HOME: folder,
    },
  });
  const refs = [
    { component: 'containerd', version: '1.6.3' },
    { component: 'runc', version: '1.1.15' },
    { component: 'cni-plugins', version: '0.9.1' },
    { component: 'crictl', version: '1.25.0' },
  ] as const;
  const artifact = await artifacts.ensureAll(refs, signal);
  expect(refs.map((ref) => artifact(ref).source)).toEqual(['release', 'release', 'release', 'release']);
  expect(asked.sort()).toEqual([...files.keys()].sort());
  expect(execFileSync(join(artifact(refs[1]).hostPath, 'bin/runc'), { encoding: 'utf8' })).toBe(
    'runc version 1.1.15\n',
  );

  const tools = await artifacts.ensureOwn('node-tools', signal);
  expect(tools.files.map(({ path, executable }) => [path, executable])).toEqual([
    ['bin/agent', true],
    ['bin/cni-fake', true],
    ['bin/cni-recorder', true],
    ['bin/crictl', true],
    ['bin/pause', true],
  ]);
  const image = await artifacts.ensureOwn('pause-image', signal);
  expect(readFileSync(join(image.hostPath, 'pause.tar')).includes('cnilab.local/pause')).toBe(true);
});

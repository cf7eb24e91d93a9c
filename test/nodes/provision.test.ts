import { expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { Artifact } from '../../lab/artifacts/artifact.ts';
import { preparationOf as textOf, provisionNode, type NodeArtifacts } from '../../lab/nodes/provision.ts';
import type { NodePlan } from '../../lab/plan/plan.ts';

const artifact = (name: string, version = '1', key = `${name}-${version}`): Artifact => ({
  name,
  version,
  source: 'gomod',
  key,
  hostPath: `/cache/${key}`,
  madeBy: 'hand',
  files: [{ path: `bin/${name}`, sha256: key, sizeBytes: 1, executable: true }],
});

const conflist = { name: '10-a.conflist', content: '{}', place: { file: 'a.yaml', line: 1, column: 1 } };
const plan: NodePlan = {
  runtime: { component: 'containerd', version: '1.6.4' },
  runc: { component: 'runc', version: '1.1.15' },
  crictl: { component: 'crictl', version: '1.25.0' },
  plugins: { overrides: [] },
  runtimeConfig: {},
  cniConfig: [conflist],
  files: [],
};
const parts = {
  runtime: artifact('containerd'),
  runc: artifact('runc'),
  crictl: artifact('crictl'),
  plugins: { set: artifact('cni-plugins'), overrides: [] },
  images: [artifact('pause')],
};

const preparationOf = (
  wanted: NodePlan,
  made: NodeArtifacts & { readonly images: readonly Artifact[]; readonly ownImages?: readonly Artifact[] },
): Promise<string> => textOf({ plan: wanted, runtime: RUNTIMES.containerd }, made);

test('the same node has the same preparation, wherever in a file it is described', async () => {
  const moved = { ...plan, cniConfig: [{ ...conflist, place: { file: 'b.yaml', line: 7, column: 3 } }] };
  expect(await preparationOf(moved, parts)).toBe(await preparationOf(plan, parts));
});

test('a scripted plugin replaces one of the set, and its script is not in the plugin folder', async () => {
  const fakes = [
    { plugin: 'cni-plugins', script: { del: [{ exitCode: 1 }] }, program: artifact('cni-fake') },
  ];
  const text = await preparationOf(plan, { ...parts, plugins: { ...parts.plugins, fakes } });
  const written = (JSON.parse(text) as { written: { nodePath: string }[][] }).written.flat();
  expect(written.filter(({ nodePath }) => /cni\/bin|fake/.test(nodePath))).toEqual([
    { nodePath: '/opt/cni/bin', remove: true },
    {
      nodePath: '/lab/fake-plugins/cni-plugins.json',
      content: '{\n  "del": [\n    {\n      "exitCode": 1\n    }\n  ]\n}\n',
    },
    { nodePath: '/opt/cni/bin/cni-plugins', linkTo: 'cni-fake-1/bin/cni-fake' },
  ]);
});

test.each([
  ['a configuration', { cniConfig: [{ ...conflist, content: '{ }' }] }, {}],
  ['its name', { cniConfig: [{ ...conflist, name: '20-a.conflist' }] }, {}],
  ['a file', { files: [{ ...conflist, name: '/etc/motd' }] }, {}],
  ['a mode', { cniConfig: [{ ...conflist, mode: 0o600 }] }, {}],
  ["containerd's configuration", { runtimeConfig: { root: '/elsewhere' } }, {}],
  [
    'the version that the configuration is for',
    { runtime: { component: 'containerd', version: '2.1.0' } },
    {},
  ],
  ['a containerd', {}, { runtime: artifact('containerd', '2') }],
  ['other files of the same runc', {}, { runc: artifact('runc', '1', 'other') }],
  ['an image', {}, { images: [artifact('pause'), artifact('app')] }],
  ['an image of the user', {}, { ownImages: [artifact('image')] }],
  [
    'a plugin over the set',
    {},
    { plugins: { ...parts.plugins, overrides: [{ plugin: 'loopback', from: artifact('loopback') }] } },
  ],
  [
    'a scripted plugin',
    {},
    { plugins: { ...parts.plugins, fakes: [{ plugin: 'a', script: {}, program: artifact('cni-fake') }] } },
  ],
] as const)('%s makes it another', async (_, otherPlan, otherParts) => {
  const other = await preparationOf({ ...plan, ...otherPlan }, { ...parts, ...otherParts });
  expect(other).not.toBe(await preparationOf(plan, parts));
});

test('a file in the plugin folder is written after that folder was emptied', async () => {
  const done: string[] = [];
  const mine = { ...conflist, name: '/opt/cni/bin/mine', mode: 0o755 };
  await provisionNode(
    {
      provide: async ({ key }) => `/lab/${key}`,
      writeFiles: async (files) => {
        await new Promise(setImmediate); // as slow as a node
        done.push(...files.map((file) => `${'remove' in file ? 'remove ' : ''}${file.nodePath}`));
        return [];
      },
    },
    { plan: { ...plan, files: [mine] }, runtime: RUNTIMES.containerd },
    parts,
  );
  expect(done.filter((one) => one.includes('/opt/cni/bin'))).toEqual([
    'remove /opt/cni/bin',
    '/opt/cni/bin/cni-plugins',
    '/opt/cni/bin/mine',
  ]);
});

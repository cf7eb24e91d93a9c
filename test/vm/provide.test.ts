import { expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { createBackends } from '../../lab/assembly/backends.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import { prepareBackend } from '../../lab/assembly/backends.ts';
import { vmLab } from '../rig/vm-lab.ts';

test('an artifact that a machine did not have at its start is copied to it, and its programs run', async () => {
  const lab = await vmLab();
  const world = { ...ambientWorld(), env: { ...process.env, ...lab.env } };
  const emit = () => undefined;
  const artifacts = openArtifacts(world, { pins: readPins(world), flags: {}, emit });
  const { signal } = new AbortController();
  const plugins = { component: 'cni-plugins', version: '1.1.1' } as const;
  const artifact = (await artifacts.ensureAll([plugins], signal))(plugins);
  const backend = createBackends(world).find(({ name }) => name === 'vm');
  if (backend === undefined) throw new Error('there is a backend vm');
  const maker = await prepareBackend(backend, { artifacts, signal, emit, mayBeKept: false });
  const name = `test-vm-provide-${process.pid}`;
  const node = await maker.start({ name, artifacts: [] });
  try {
    const [path, again] = await Promise.all([node.provide(artifact), node.provide(artifact)]);
    expect(again).toBe(path);
    expect(await node.provide(artifact)).toBe(path);
    const sums = await node.exec(['sh', '-c', 'cd "$0" && find . -type f | sort | xargs sha256sum', path]);
    expect(sums.stdout).toBe(artifact.files.map((file) => `${file.sha256}  ./${file.path}\n`).join(''));
    const bridge = artifact.files.find((file) => file.path.endsWith('bridge'))?.path ?? 'none';
    const printed = await node.exec([`${path}/${bridge}`], { env: { CNI_COMMAND: 'VERSION' }, stdin: '{}' });
    expect({ ...printed, ...JSON.parse(printed.stdout) }).toMatchObject({ exitCode: 0, cniVersion: '1.0.0' });
  } finally {
    await node.end();
    await maker.end();
  }
  expect(lab.leftOf(name)).toEqual([]);
});

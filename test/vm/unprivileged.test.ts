import { expect, test } from 'vitest';

import { scratchFolder } from '../rig/scratch.ts';
import { UNPRIVILEGED } from '../rig/unprivileged.ts';
import { vmLab } from '../rig/vm-lab.ts';

const output = scratchFolder();
const as = UNPRIVILEGED;
const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };

test('a user without privileges and without an engine gets machines by default', async () => {
  const lab = await vmLab();
  const args = ['run', 'incompatible-version', '--containerd', '1.6.3', '--output', output];
  const { exitCode, stdout, stderr } = await lab.cnilab(args, { as, env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^1 run on vm$/m);

  const name = `test-vm-unprivileged-${process.pid}`;
  const up = ['up', '--name', name, '--containerd', '1.6.3', '--cni-plugins', '1.1.1', '--backend', 'vm'];
  expect(await lab.cnilab(up, { as, env })).toMatchObject({ exitCode: 0, stderr: '' });
  const entered = await lab.cnilab(['enter', name, '--', 'id', '-u'], { as, env });
  expect(entered).toMatchObject({ exitCode: 0, stdout: '0\n', stderr: '' });
  expect(await lab.cnilab(['down', name], { as, env })).toMatchObject({ exitCode: 0, stderr: '' });
  expect(lab.leftOf(name)).toEqual([]);
});

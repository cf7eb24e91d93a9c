import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { startEngine } from '../rig/engine.ts';
import { qemuForTests } from '../rig/qemu.ts';
import { scratchFolder } from '../rig/scratch.ts';

const output = scratchFolder();
const HOUR_MS = 60 * 60_000;

test(
  'every scenario and every control shows the same on bare, in a container and in a virtual machine',
  { timeout: HOUR_MS },
  async () => {
    await using engine = await startEngine('docker-26.1');
    const env = { DOCKER_HOST: engine.url, CNILAB_QEMU: await qemuForTests() };
    const { exitCode, stdout, stderr } = await cnilab(['parity', '--output', output], { env });
    const said = stdout.trim().split('\n');
    expect(said.slice(-10).join('\n')).toMatch(/^\d+ runs on bare, container, vm: all showed the same$/m);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  },
);

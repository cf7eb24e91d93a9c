import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { RuntimeNode } from '../../lab/index.ts';
import '../../lab/vitest.ts';
import { startEngine } from '../rig/engine.ts';
import { qemuForTests } from '../rig/qemu.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

afterEach(() => vi.unstubAllEnvs());

const IPAM = { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }]] };
const NETWORK = {
  cniVersion: '0.4.0',
  name: 'net',
  plugins: [{ type: 'counting-bridge', bridge: 'cni0', ipam: IPAM }],
};

/** A plugin of the user's own: the bridge plugin, which also records its calls. */
const PLUGIN = `#!/bin/sh
[ "\${CNI_COMMAND:-VERSION}" = VERSION ] && { echo '{"cniVersion":"0.4.0","supportedVersions":["0.4.0"]}'; exit; }
echo "$CNI_COMMAND" >>/var/log/asked
exec /opt/cni/bin/bridge
`;

/** What a running pod has on a node. */
const OF_A_POD = {
  ...{ netns: 1, 'netns-mount': 1, veth: 1, 'bridge-port': 1, ipam: 1, 'cni-result': 2 },
  ...{ mount: 2, shim: 1, process: 1, sandbox: 1 },
};

/** A pod's whole life on a node of this backend, with a plugin of the test's own. */
async function livesOn(backend: 'container' | 'vm'): Promise<void> {
  const plugin = join(folder, 'counting-bridge');
  writeFileSync(plugin, PLUGIN, { mode: 0o755 });
  await using node = await new RuntimeNode()
    .withContainerd('1.6.4')
    .withBackend(backend)
    .withCniPlugins('1.1.1')
    .withPlugin(plugin)
    .withCniConfig(NETWORK)
    .start();
  expect([node.backend, node.runtimeVersion]).toEqual([backend, expect.stringMatching(/^v?1\.6\.4/)]);
  const pod = await node.runPod('web');
  expect(pod.ip).toBe('10.88.0.2');
  await expect(node).toLeaveBehind(OF_A_POD);
  expect((await pod.exec(['ip', '-4', '-oneline', 'address'])).stdout).toContain('inet 10.88.0.2/16');
  await pod.stop();
  await pod.remove();
  await expect(node).toLeaveNothingBehind();
  expect((await node.exec(['cat', '/var/log/asked'])).stdout).toMatch(/^ADD\n(?:DEL\n)+$/m);
}

test('the library has nodes of a container engine', async () => {
  await using engine = await startEngine('docker-26.1');
  vi.stubEnv('DOCKER_HOST', engine.url);
  await livesOn('container');
});

test('the library has nodes that are virtual machines', async () => {
  vi.stubEnv('CNILAB_QEMU', await qemuForTests());
  await livesOn('vm');
});

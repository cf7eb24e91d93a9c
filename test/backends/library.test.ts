import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { RuntimeNode } from '../../lab/index.ts';
import '../../lab/vitest.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

const BRIDGE = {
  cniVersion: '0.4.0',
  name: 'net',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};
const bridged = new RuntimeNode().withContainerd('1.6.4').withCniPlugins('1.1.1').withCniConfig(BRIDGE);

/** The error message of a failed matcher. */
const words = async (failing: Promise<void>): Promise<string> =>
  failing.then(
    () => 'it did not fail',
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );

test('a pod starts and ends, and what is on the node in between is listed by kind', async () => {
  let name = 'none';
  {
    await using node = await bridged.start();
    ({ name } = node);
    expect((await cnilab(['ps'])).stdout).toMatch(new RegExp(`^${name} .* in use `, 'm'));
    expect(node.runtimeVersion).toMatch(/^v?1\.6\.4/);
    const pod = await node.runPod('web');
    expect(pod.ip).toBe('10.88.0.2');
    expect((await pod.exec(['ip', '-4', '-oneline', 'address'])).stdout).toContain('inet 10.88.0.2/16');
    expect((await node.leftBehind()).filter(({ kind }) => kind === 'ipam').map(({ name }) => name)).toEqual([
      'net/10.88.0.2',
    ]);
    expect(await words(expect(node).toLeaveNothingBehind())).toMatch(
      /^left behind is \{ .*sandbox: 1 \}, expected none\n.*\n.*ipam net\/10\.88\.0\.2 of pod web appeared in 1-run-pod/s,
    );
    await pod.stop();
    await pod.remove();
    await expect(node).toLeaveNothingBehind();
    expect(await words(expect(node).not.toLeaveNothingBehind())).toBe(
      'left behind is none, expected otherwise',
    );
  }
  expect((await cnilab(['ps'])).stdout).not.toContain(name);
});

test('pods reach each other, several run at once, and containerd may restart in between', async () => {
  await using node = await bridged.start();
  const [server, client] = await Promise.all([node.runPod(), node.runPod()]);
  expect([server.name, client.name, [server.ip, client.ip].sort()]).toEqual([
    'pod-1',
    'pod-2',
    ['10.88.0.2', '10.88.0.3'],
  ]);
  const container = await server.runContainer(['nc', '-ll', '-p', '80', '-e', 'echo', 'hello']);
  expect((await container.exec(['hostname'])).stdout.trim()).toBe(server.name);
  // the server listens a moment after it has started
  expect(await vi.waitFor(() => client.connect(`${server.ip}:80`), { timeout: 30_000 })).toBe('hello\n');
  await node.restartRuntime();
  expect(await node.connect(`${server.ip}:80`)).toBe('hello\n');
  await expect(client.connect(`${server.ip}:81`)).toFailWith({
    contains: 'connection refused',
    why: "Go's words",
  });
  for (const pod of [server, client]) await pod.remove({ force: true });
  await expect(node).toLeaveNothingBehind();
});

test('a user’s own plugin: its error is compared exactly, and what it leaves behind is listed', async () => {
  const plugin = join(folder, 'grumpy');
  writeFileSync(
    plugin,
    `#!/bin/sh
[ "$CNI_COMMAND" = VERSION ] && { echo '{"cniVersion":"0.4.0","supportedVersions":["0.4.0"]}'; exit; }
{ echo '{"cniVersion":"0.4.0","code":7,"msg":"no room","details":"for '$CNI_CONTAINERID'"}'; exit 1; }
`,
    { mode: 0o755 },
  );
  await using node = await new RuntimeNode()
    .withContainerd('1.6.4')
    .withCniPlugins('1.1.1')
    .withPlugin(plugin)
    .withCniConfig({ ...BRIDGE, plugins: [...BRIDGE.plugins, { type: 'grumpy' }] })
    .start();
  const printed =
    'failed to setup network for sandbox "${web.id}": plugin type="grumpy" failed (add): no room; for ${web.id}';
  await expect(node.runPod('web')).toFailWith(printed);
  await expect(() => node.runPod('web')).toFailWith(printed);
  expect(await words(expect(node.runPod('web')).toFailWith(printed.replace('no room', 'no rooms')))).toMatch(
    /^error differs at character \d+\n {2}expected {2}.*no rooms;.*\n {2}actual {4}.*no room; .*\n +\^ first difference/,
  );
  expect(await words(expect(node.runPod('web')).not.toFailWith(printed))).toMatch(
    /^failed, expected not to say\n {2}failed to setup network for sandbox/,
  );
  await expect(node).toLeaveBehind({ ipam: 4, iptables: 16 });
  expect(await words(expect(node).toLeaveBehind({ ipam: 3, iptables: 16 }))).toMatch(
    /^left behind is \{ ipam: 4, iptables: 16 \}, expected \{ ipam: 3, iptables: 16 \}\n/,
  );
});

test('a setting that this containerd does not read is rejected, and the same setting by role is read', async () => {
  const setting = { cni: { max_conf_num: 2 } };
  const of2 = bridged.withRuntimeConfig({ plugins: { 'io.containerd.cri.v1.runtime': setting } });
  await expect(of2.start()).rejects.toThrow(
    'withRuntimeConfig: containerd 1.6.4 does not read plugins."io.containerd.cri.v1.runtime" of runtime-config',
  );
  await using node = await bridged.withRuntimeConfig({ cri: setting }).start();
  expect((await node.exec(['containerd', 'config', 'dump'])).stdout).toContain('max_conf_num = 2');
});

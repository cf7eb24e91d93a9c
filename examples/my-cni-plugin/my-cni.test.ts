import { RuntimeNode } from 'cnilab';
import 'cnilab/vitest';
import { expect, test, vi } from 'vitest';

const ipam = { type: 'host-local', ranges: [[{ subnet: '10.77.0.0/24' }]] };
const network = (plugin: object) => ({
  cniVersion: '0.4.0',
  name: 'my-net',
  plugins: [{ type: 'my-cni', ...plugin }],
});

const node = new RuntimeNode().withContainerd('1.6.4').withCniPlugins('1.1.1').withPlugin('./my-cni');

test('a pod gets an address and reaches another; when both are gone, nothing stays', async () => {
  await using started = await node.withCniConfig(network({ ipam })).start();
  const [server, client] = [await started.runPod('server'), await started.runPod('client')];
  expect([server.ip, client.ip]).toEqual(['10.77.0.2', '10.77.0.3']);
  expect((await client.exec(['ip', '-4', '-oneline', 'address', 'show', 'eth0'])).stdout).toContain(
    'inet 10.77.0.3/32',
  );

  await server.runContainer(['nc', '-ll', '-p', '80', '-e', 'echo', 'hello']);
  // it listens a moment after it was started
  expect(await vi.waitFor(() => client.connect(`${server.ip}:80`), { timeout: 30_000 })).toBe('hello\n');

  for (const pod of [server, client]) {
    await pod.stop();
    await pod.remove({ force: true });
  }
  await expect(started).toLeaveNothingBehind();
});

test('an address that is not given back is found', async () => {
  await using started = await node.withCniConfig(network({ ipam, forgetful: true })).start();
  const pod = await started.runPod('web');
  await pod.stop();
  await pod.remove();
  await expect(started).toLeaveBehind({ ipam: ['my-net/10.77.0.2'] });

  // A test that expects a clean node fails, and reports what is left and since when.
  await expect(expect(started).toLeaveNothingBehind()).rejects.toThrow(
    'left behind is { ipam: 1 }, expected none\n  ipam my-net/10.77.0.2 of pod web appeared in 1-run-pod',
  );
});

test('a plugin after it that fails gets an answer to its DEL, and no address stays', async () => {
  await using started = await node
    .withRecordedCalls()
    .withScriptedPlugin('faulty', { add: { error: { code: 11, msg: 'Try again later' } } })
    .withCniConfig({ ...network({ ipam }), plugins: [{ type: 'my-cni', ipam }, { type: 'faulty' }] })
    .start();
  await expect(started.runPod('web')).toFailWith(
    'failed to setup network for sandbox "${web.id}": plugin type="faulty" failed (add): Try again later',
  );
  await expect(started).toHaveCalledPluginsInOrder(['my-cni ADD', 'faulty ADD', 'faulty DEL', 'my-cni DEL']);
  await expect(started).toHaveCalledPlugin({ plugin: 'host-local', verb: 'DEL', within: 'my-cni' });
  await expect(started).toLeaveNothingBehind();
});

test.each(['1.6.4', '2.4.2'])(
  'without an ipam, containerd %s passes on what the plugin says',
  async (containerd) => {
    await using started = await new RuntimeNode()
      .withContainerd(containerd)
      .withCniPlugins('1.1.1')
      .withPlugin('./my-cni')
      .withCniConfig(network({}))
      .start();
    await expect(started.runPod('web')).toFailWith(
      'failed to setup network for sandbox "${web.id}": plugin type="my-cni" failed (add): my-cni wants an ipam of type host-local',
    );
  },
);

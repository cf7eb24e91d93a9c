import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';

const IDS = [{ host_id: 65_536, container_id: 0, length: 65_536 }];
const KINDS = {
  plain: {},
  privileged: { privileged: true },
  'of a user namespace': { namespace_options: { userns_options: { mode: 0, uids: IDS, gids: IDS } } },
};

/** A pod with a container in it. It prints the ids that the container's root has outside. */
const SCRIPT = `
set -e
cd "$(mktemp -d)"
printf '{"metadata":{"name":"p","namespace":"n","uid":"u%s"},"linux":{"security_context":%s}}' "$$" "$1" > pod.json
printf '{"metadata":{"name":"c"},"image":{"image":"cnilab.local/app:1"},"command":["sleep","1000"],"linux":{"security_context":%s}}' "$1" > container.json
pod=$(crictl runp pod.json)
container=$(crictl create "$pod" container.json pod.json)
crictl start "$container" > /dev/null
crictl exec --sync "$container" cat /proc/self/uid_map | tr -s ' ' | head -1
crictl rmp -f "$pod" > /dev/null`;

const NETWORK = {
  cniVersion: '0.4.0',
  name: 'net',
  plugins: [{ type: 'bridge', ipam: { type: 'host-local', ranges: [[{ subnet: '10.9.0.0/24' }]] } }],
};

test.each(['1.6.4', '2.4.2'])(
  'on a node that is confined, containers start in all kinds of pods: containerd %s',
  async (version) => {
    const name = `test-kinds-${version.replaceAll('.', '-')}`;
    expect(await cnilab(['up', '--name', name, '--containerd', version])).toMatchObject({ exitCode: 0 });
    const on = (...words: string[]) => cnilab(['enter', name, '--', ...words]);
    const write = `echo '${JSON.stringify(NETWORK)}' > /etc/cni/net.d/10-net.conflist; sleep 1`;
    await on('sh', '-c', write);
    const seen: Record<string, unknown> = {};
    for (const [kind, context] of Object.entries(KINDS)) {
      const { exitCode, stdout, stderr } = await on('sh', '-c', SCRIPT, 'sh', JSON.stringify(context));
      seen[kind] = exitCode === 0 ? stdout.trim() : stderr;
    }
    expect(await cnilab(['down', name])).toMatchObject({ exitCode: 0 });
    expect(seen).toEqual({
      plain: '0 0 4294967295',
      privileged: '0 0 4294967295',
      // 1.x ignores user namespaces
      'of a user namespace': version.startsWith('1.') ? '0 0 4294967295' : '0 65536 65536',
    });
  },
);

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

/** A host with other CNI software: whatever reached a node would change every result. */
const OTHERS = `
  set -e
  for path in /etc /opt /var/lib; do
    mkdir -p "$0$path/upper" "$0$path/work"
    mount -t overlay overlay -o "lowerdir=$path,upperdir=$0$path/upper,workdir=$0$path/work" "$path"
  done
  mkdir -p /etc/cni/net.d /opt/cni/bin /var/lib/cni/networks/containerd-net /etc/containerd
  echo '{"cniVersion":"1.0.0","name":"stray","plugins":[{"type":"stray"}]}' > /etc/cni/net.d/00-stray.conflist
  printf '#!/bin/sh\\nexit 1\\n' > /opt/cni/bin/bridge
  chmod +x /opt/cni/bin/bridge
  echo stray > /var/lib/cni/networks/containerd-net/10.88.0.2
  echo 'not toml' > /etc/containerd/config.toml
  exec "$@"
`;

test('a host with other CNI configuration, plugins and addresses changes no finding', async () => {
  const args = ['run', 'incompatible-version', '--containerd', '1.6.3'];
  const plain = await cnilab([...args, '--output', join(folder, 'plain')]);
  expect(plain.exitCode).toBe(0);

  // The layers are on a tmpfs: not every file system can be the upper one of an overlay.
  const upper = join(folder, 'upper');
  mkdirSync(upper);
  const inside = await cnilab([...args, '--output', join(folder, 'inside')], {
    as: ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs upper "$0"; ${OTHERS}`, upper],
  });
  expect(inside.stderr).toBe('');
  expect(inside.exitCode).toBe(0);
  const verdict = (name: string) =>
    readFileSync(join(folder, name, 'latest/incompatible-version.containerd-1.6.3/verdict.json'), 'utf8');
  expect(verdict('inside')).toBe(verdict('plain'));
});

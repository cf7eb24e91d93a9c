import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { whyNoClusters } from '../../../lab/nodes/backends/container/kind-command.ts';
import { scratchFolder } from '../../rig/scratch.ts';

const address = { url: 'unix:///x.sock', origin: 'DOCKER_HOST' };

/** A PATH with these commands. */
function pathWith(...names: readonly string[]): string {
  const folder = join(scratchFolder(), 'bin');
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), '#!/bin/sh\n', { mode: 0o755 });
  return folder;
}

test.each([
  ['Docker', '26.1.5', 'docker'],
  ['Podman', '4.3.1', 'podman'],
  ['Podman', '5.0.0-dev', 'podman'],
] as const)('kind makes clusters with %s %s if there is its client', (product, version, client) => {
  expect(whyNoClusters(address, { product, version }, pathWith(client))).toBeUndefined();
  expect(whyNoClusters(address, { product, version }, pathWith('other'))).toBe(
    `kind runs the command ${client} for ${product} at unix:///x.sock, and the PATH has none: install the client of ${product}, or add --backend bare`,
  );
});

test('with a Podman that cannot change limits, it makes none', () => {
  expect(whyNoClusters(address, { product: 'Podman', version: '4.2.1' }, pathWith('podman'))).toBe(
    'the lab uses kind with Podman 4.3 or later, and Podman 4.2.1 is at unix:///x.sock: name another engine with DOCKER_HOST, or add --backend bare',
  );
});

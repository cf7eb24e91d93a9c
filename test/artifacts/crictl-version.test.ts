import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { createDebian } from '../../lab/artifacts/sources/debian.ts';
import { pinsWith } from '../rig/pins.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the lab’s own crictl prints the versions of cnilab and of cri-api', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const criApi = /k8s\.io\/cri-api (v\S+)/.exec(read('images/node-tools/go.mod'))?.[1] ?? 'none';
  const says = /^const version = "(.*)"$/m.exec(read('images/node-tools/cmd/crictl/main.go'))?.[1];
  expect(says).toBe(`cnilab-${version} (the lab's stand-in for crictl, from k8s.io/cri-api ${criApi})`);
});

test('Debian has no crictl, and the refusal says what serves in its place', () => {
  const apt = {} as Parameters<typeof createDebian>[0]['apt'];
  const exec = () => Promise.reject(new Error('nothing is to be run'));
  const debian = createDebian({ pins: pinsWith({}), arch: 'amd64', apt, exec });
  const refused = debian.recipe({ component: 'crictl', version: '1.36.0' });
  if (refused.ok) throw new Error('there is such a package now');
  expect(refused.error.why).toBe('Debian has no package with crictl');
  expect(refused.error.wayOut).toMatch(
    /^with containerd up to 1\.7, --crictl 1\.25\.0 takes .*--crictl local:PATH$/,
  );
});

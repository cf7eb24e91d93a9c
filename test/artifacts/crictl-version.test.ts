import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('our crictl says which version of cnilab and of cri-api it comes from', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const criApi = /k8s\.io\/cri-api (v\S+)/.exec(read('images/node-tools/go.mod'))?.[1] ?? 'none';
  const says = /^const version = "(.*)"$/m.exec(read('images/node-tools/cmd/crictl/main.go'))?.[1];
  expect(says).toBe(`cnilab-${version} (the lab's stand-in for crictl, from k8s.io/cri-api ${criApi})`);
});

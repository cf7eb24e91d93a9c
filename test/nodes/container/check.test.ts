import { expect, test } from 'vitest';

import {
  judgeFacts,
  readFacts,
  refuseUnreachable,
  type EngineFacts,
} from '../../../lab/nodes/backends/container/check.ts';

const address = { url: 'unix:///x.sock', origin: 'DOCKER_HOST' };
const docker: EngineFacts = {
  product: 'Docker',
  version: '26.1.5',
  osType: 'linux',
  architecture: 'x86_64',
  cgroupVersion: '2',
  memoryBytes: undefined,
  rootless: false,
};

test('a Linux engine on a known architecture works, and its architecture is that of its nodes', () => {
  expect(judgeFacts(address, { ...docker, architecture: 'aarch64' })).toEqual({
    works: true,
    how: 'Docker 26.1.5 at unix:///x.sock, arm64, cgroup v2',
    arch: 'arm64',
  });
});

test.each<[string, Partial<EngineFacts>, string]>([
  ['rootless', { rootless: true }, 'is rootless'],
  ['of Windows', { osType: 'windows' }, 'runs windows containers'],
  ['of another machine', { architecture: 's390x' }, 'runs on s390x'],
])('one that is %s is refused, with what to do', (_, facts, why) => {
  const check = judgeFacts(address, { ...docker, ...facts });
  expect(check).toMatchObject({ works: false });
  expect('why' in check && check.why).toContain(why);
  expect('waysOut' in check && check.waysOut.length).toBeGreaterThan(0);
});

test.each<[string, object, boolean]>([
  ['Docker', { SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'] }, false],
  ['rootless Docker', { SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'] }, true],
  ['Podman', { SecurityOptions: ['name=seccomp,profile=default'], Rootless: false }, false],
  ['rootless Podman', { SecurityOptions: ['name=seccomp,profile=default'], Rootless: true }, true],
])('whether it is rootless is known from what %s says', async (_, said, rootless) => {
  const info = { OSType: 'linux', Architecture: 'amd64', CgroupVersion: '1', ...said };
  const get = async (path: string) => (path === '/info' ? info : { Version: '4.3.1' });
  expect((await readFacts({ get })).rootless).toBe(rootless);
});

const failed = (code: string) => Object.assign(new Error(`connect ${code} /x.sock`), { code });

test.each([
  ['ENOENT', 'there is no unix:///x.sock (DOCKER_HOST): its engine is not running'],
  ['ECONNREFUSED', 'nothing answers at unix:///x.sock (DOCKER_HOST): its engine is not running'],
  ['EACCES', 'this user may not use unix:///x.sock (DOCKER_HOST)'],
])('%s is told in words, and there are no nodes', (code, why) => {
  const refusal = refuseUnreachable(address, failed(code));
  expect(refusal).toMatchObject({ works: false, why });
  expect(refusal).not.toHaveProperty('silent');
});

test.each([
  ['ABORT_ERR', 'the container engine at unix:///x.sock (DOCKER_HOST) does not answer'],
  ['ECONNRESET', 'the container engine at unix:///x.sock (DOCKER_HOST) went away'],
  [
    'EHOSTUNREACH',
    'the container engine at unix:///x.sock (DOCKER_HOST) cannot be asked: connect EHOSTUNREACH',
  ],
])('%s is told in words, and there may be nodes', (code, why) => {
  const refusal = refuseUnreachable(address, failed(code));
  expect(refusal).toMatchObject({ works: false, silent: true });
  expect(refusal.why).toMatch(why);
});

test('a context that does not exist is reported as missing', () => {
  expect(refuseUnreachable({ url: '', origin: 'the docker context "x"' }, failed('ENOENT'))).toMatchObject({
    why: 'there is no such thing as the docker context "x"',
  });
});

test('a server that is not an engine is named', () => {
  const thrown = Object.assign(new Error('404'), { statusCode: 404, json: { message: 'page not found' } });
  expect(refuseUnreachable(address, thrown)).toMatchObject({
    why: 'what answers at unix:///x.sock (DOCKER_HOST) is no container engine: page not found',
  });
});

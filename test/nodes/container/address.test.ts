import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';

import { findAddress } from '../../../lab/nodes/backends/container/address.ts';
import { dockerOptions } from '../../../lab/nodes/backends/container/engine.ts';

/** A machine with these variables and these files. Sockets are files here. */
const addressOn = (
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
  platform: NodeJS.Platform = 'linux',
) =>
  findAddress({
    env: { HOME: '/home/me', ...env },
    platform,
    uid: 1000,
    exists: (path) => path in files,
    readFile: (path) => files[path],
  });

const SOCKET = { '/var/run/docker.sock': '' };
const PROPERTIES = '/home/me/.testcontainers.properties';

test('by default it is the first of the usual sockets that exists', () => {
  expect(addressOn({})).toBeUndefined();
  expect(addressOn({}, { ...SOCKET, '/run/podman/podman.sock': '' })).toEqual({
    url: 'unix:///var/run/docker.sock',
    origin: 'the usual socket',
  });
  expect(addressOn({ XDG_RUNTIME_DIR: '/run/user/7' }, { '/run/user/7/podman/podman.sock': '' })).toEqual({
    url: 'unix:///run/user/7/podman/podman.sock',
    origin: 'the usual socket',
  });
  expect(addressOn({}, { '/run/user/1000/docker.sock': '' })?.url).toBe('unix:///run/user/1000/docker.sock');
  expect(addressOn({}, {}, 'win32')?.url).toBe('npipe:////./pipe/docker_engine');
});

test('DOCKER_HOST takes precedence over contexts and sockets, even if nothing answers there', () => {
  expect(addressOn({ DOCKER_HOST: 'tcp://far:2375', DOCKER_CONTEXT: 'other' }, SOCKET)).toEqual({
    url: 'tcp://far:2375',
    origin: 'DOCKER_HOST',
  });
  expect(addressOn({ DOCKER_HOST: '' }, SOCKET)?.url).toBe('unix:///var/run/docker.sock');
});

test('DOCKER_TLS_VERIFY uses the certificates in DOCKER_CERT_PATH, or in ~/.docker', () => {
  const host = { DOCKER_HOST: 'tcp://far:2376', DOCKER_TLS_VERIFY: '1' };
  expect(addressOn(host)?.tlsHostPath).toBe('/home/me/.docker');
  expect(addressOn({ ...host, DOCKER_CERT_PATH: '/certs' })?.tlsHostPath).toBe('/certs');
});

test('the properties of testcontainers apply too, with tc.host first', () => {
  const text = '# mine\ndocker.host=unix\\:///p.sock\ndocker.tls.verify = 0\n';
  expect(addressOn({}, { [PROPERTIES]: text, ...SOCKET })).toEqual({
    url: 'unix:///p.sock',
    origin: 'docker.host in ~/.testcontainers.properties',
  });
  expect(addressOn({ DOCKER_HOST: 'tcp://far:1' }, { [PROPERTIES]: text })?.url).toBe('tcp://far:1');
  expect(addressOn({ DOCKER_HOST: 'tcp://far:1' }, { [PROPERTIES]: 'tc.host=tcp://tc:2' })?.url).toBe(
    'tcp://tc:2',
  );
  expect(
    addressOn(
      {},
      {
        [PROPERTIES]: 'docker.host=tcp://a:2\ndocker.tls.verify=1\ndocker.cert.path=/c',
      },
    )?.tlsHostPath,
  ).toBe('/c');
});

test('the current docker context names an engine, with its certificates', () => {
  const id = createHash('sha256').update('colima').digest('hex');
  const meta = `/home/me/.docker/contexts/meta/${id}/meta.json`;
  const files = {
    ...SOCKET,
    '/home/me/.docker/config.json': '{"currentContext":"colima"}',
    [meta]: '{"Name":"colima","Endpoints":{"docker":{"Host":"unix:///colima.sock"}}}',
  };
  const address = { url: 'unix:///colima.sock', origin: 'the docker context "colima"' };
  expect(addressOn({}, files)).toEqual(address);
  const tls = `/home/me/.docker/contexts/tls/${id}/docker`;
  expect(addressOn({}, { ...files, [`${tls}/ca.pem`]: '' })).toEqual({ ...address, tlsHostPath: tls });
  expect(addressOn({ DOCKER_CONTEXT: 'default' }, files)?.url).toBe('unix:///var/run/docker.sock');
  expect(addressOn({ DOCKER_CONTEXT: 'gone' }, files)).toEqual({
    url: '',
    origin: 'the docker context "gone"',
  });
});

test.each([
  ['unix:///a b.sock', { socketPath: '/a b.sock' }],
  ['npipe:////./pipe/docker_engine', { socketPath: '//./pipe/docker_engine' }],
  ['tcp://far', { host: 'far', port: 2375, protocol: 'http' }],
  ['https://far:444', { host: 'far', port: '444', protocol: 'https' }],
  ['ssh://me@far', { host: 'far', port: 22, protocol: 'ssh', username: 'me' }],
])('%s is asked as what it is, whatever DOCKER_HOST says', (url, wanted) => {
  const options = dockerOptions({ url, origin: '' });
  expect(Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))).toEqual(
    wanted,
  );
  expect('host' in options && 'socketPath' in options && 'ca' in options).toBe(true);
});

import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createConnect, proxyFor } from '../../lab/host/connect.ts';
import { createHttp } from '../../lab/host/http.ts';

test.each([
  ['https://a.example/x', {}, undefined],
  ['https://a.example/x', { HTTPS_PROXY: 'http://p.example:3128' }, 'http://p.example:3128/'],
  ['http://a.example/x', { HTTPS_PROXY: 'http://p.example:3128' }, undefined],
  ['http://a.example/x', { http_proxy: 'p.example:8080' }, 'http://p.example:8080/'],
  ['http://a.example/x', { http_proxy: 'http://low', HTTP_PROXY: 'http://high' }, 'http://low/'],
  ['http://a.example/x', { ALL_PROXY: 'http://all' }, 'http://all/'],
  ['http://a.example/x', { http_proxy: 'http://p', no_proxy: 'b.example,.a.example' }, undefined],
  ['http://x.a.example/x', { http_proxy: 'http://p', NO_PROXY: 'a.example' }, undefined],
  ['http://ba.example/x', { http_proxy: 'http://p', NO_PROXY: 'a.example' }, 'http://p/'],
  ['http://a.example/x', { http_proxy: 'http://p', NO_PROXY: '*' }, undefined],
])('the proxy for %s under %j', (url, env, proxy) => {
  expect(proxyFor(new URL(url), env)?.href).toBe(proxy);
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const signal = new AbortController().signal;

test('a plain proxy gets the whole URL', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cnilab-proxy-'));
  const asked: (string | undefined)[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url, request.headers.host);
    response.end('words');
  });
  const env = { http_proxy: await listening(proxy) };
  const http = createHttp({
    connect: createConnect({ env, connectTimeoutMs: 3_000 }),
    stallTimeoutMs: 5_000,
  });
  const got = await http.download('http://never.invalid/a/b?c=d', {
    toHostPath: join(folder, 'file'),
    maxBytes: 100,
    signal,
  });
  expect(got).toMatchObject({ ok: true, value: { sizeBytes: 5 } });
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('words');
  expect(asked).toEqual(['http://never.invalid/a/b?c=d', 'never.invalid']);
  proxy.close();
  rmSync(folder, { recursive: true });
});

test('for https a tunnel is requested, with the login from the environment', async () => {
  const asked: (string | undefined)[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(request.url, request.headers['proxy-authorization']);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const host = (await listening(proxy)).replace('http://', '');
  const env = { https_proxy: `http://me:se%20cret@${host}` };
  const http = createHttp({
    connect: createConnect({ env, connectTimeoutMs: 3_000 }),
    stallTimeoutMs: 5_000,
  });
  expect(await http.reach('https://never.invalid/', signal)).toBe(
    `never.invalid cannot be reached through the proxy ${host}: the proxy answered 403`,
  );
  expect(asked).toEqual(['never.invalid:443', `Basic ${Buffer.from('me:se cret').toString('base64')}`]);
  proxy.close();
});

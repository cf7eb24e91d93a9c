import { request } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { messageOf, err, ok, type Result } from '../core/lab-error.ts';

export interface ConnectOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** for name resolution, TCP, proxy and TLS together */
  readonly connectTimeoutMs: number;
}

export interface Connection {
  readonly socket: Socket;
  /** a plain-text proxy needs the complete URL in the request line */
  readonly wholeUrl: boolean;
}

/** Opens connections for the run, or returns the reason why not. A host that did not answer is not tried again. */
export type Connect = (url: URL, signal: AbortSignal) => Promise<Result<Connection, string>>;

export function createConnect({ env, connectTimeoutMs }: ConnectOptions): Connect {
  // The first attempt for each host that is connected to. All further attempts wait for its result.
  const firstTries = new Map<string, Promise<string | undefined>>();
  return async (url, signal) => {
    const proxy = proxyFor(url, env);
    const origin = `${url.protocol}//${proxy?.host ?? url.host}`;
    const firstTry = firstTries.get(origin);
    if (firstTry !== undefined) {
      const why = await firstTry;
      return why === undefined ? open({ url, proxy, connectTimeoutMs, signal }) : err(why);
    }
    const attempt = open({ url, proxy, connectTimeoutMs, signal });
    firstTries.set(
      origin,
      attempt.then(
        (opened) => (opened.ok ? undefined : opened.error),
        () => undefined, // aborted: this says nothing about the host
      ),
    );
    return attempt;
  };
}

interface Opening {
  readonly url: URL;
  readonly proxy: URL | undefined;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal;
}

async function open({ url, proxy, connectTimeoutMs, signal }: Opening): Promise<Result<Connection, string>> {
  const deadline = AbortSignal.timeout(connectTimeoutMs);
  const either = AbortSignal.any([deadline, signal]);
  const through = proxy === undefined ? '' : ` through the proxy ${proxy.host}`;
  try {
    const secure = url.protocol === 'https:';
    if (proxy !== undefined && secure) {
      const tunnel = await askForTunnel(url, proxy, either);
      return ok({ socket: await secureSocket(url, tunnel, either), wholeUrl: false });
    }
    const socket = await plainSocket(proxy ?? url, either);
    return ok({
      socket: secure ? await secureSocket(url, socket, either) : socket,
      wholeUrl: proxy !== undefined,
    });
  } catch (thrown) {
    signal.throwIfAborted();
    const why = deadline.aborted ? `no connection within ${connectTimeoutMs} ms` : messageOf(thrown);
    return err(`${url.host} cannot be reached${through}: ${why}`);
  }
}

const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80));
const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

function plainSocket(url: URL, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host: hostOf(url), port: portOf(url), autoSelectFamily: true });
  return untilReady(socket, 'connect', signal);
}

function secureSocket(url: URL, socket: Socket, signal: AbortSignal): Promise<Socket> {
  const host = hostOf(url);
  return untilReady(
    connectTls({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
    }),
    'secureConnect',
    signal,
  );
}

function askForTunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const authority = `${url.hostname}:${portOf(url)}`;
    const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    request({
      host: hostOf(proxy),
      port: portOf(proxy),
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(proxy.username === ''
          ? {}
          : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
      },
      signal,
      agent: false,
    })
      .once('connect', (response, socket: Socket) =>
        response.statusCode === 200
          ? resolve(socket)
          : (socket.destroy(), reject(new Error(`the proxy answered ${response.statusCode}`))),
      )
      .once('error', reject)
      .end();
  });
}

function untilReady<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const stop = () => socket.destroy(new Error('stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    socket.once(event, () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
  });
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment specifies for a URL, by the rules of curl. The lower-case variable comes first.
 * HTTP_PROXY in upper case is read as well, because nobody runs the lab as a CGI script. NO_PROXY is a list of hosts
 * and domains, or `*` for all.
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  const named = pick(env, `${scheme}_proxy`) ?? pick(env, 'all_proxy');
  if (named === undefined || isExempt(url.hostname, pick(env, 'no_proxy') ?? '')) return undefined;
  const text = named.includes('://') ? named : `http://${named}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

const pick = (env: Env, name: string): string | undefined =>
  env[name] || env[name.toUpperCase()] || undefined;

function isExempt(host: string, noProxy: string): boolean {
  return noProxy
    .split(',')
    .map((entry) => entry.trim().replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
}

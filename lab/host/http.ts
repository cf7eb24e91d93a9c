import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, err, ok, type Result } from '../core/lab-error.ts';
import type { Connect } from './connect.ts';

/** Why a download failed: the host is not reachable, it has no such file, or the file is incomplete. */
export interface HttpProblem {
  readonly kind: 'unreachable' | 'not-there' | 'broken';
  readonly why: string;
}

export interface HttpOptions {
  readonly connect: Connect;
  /** a transfer that receives no data for this long is aborted */
  readonly stallTimeoutMs: number;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly toHostPath: string;
  readonly maxBytes: number;
  readonly onProgress?: (doneBytes: number, totalBytes: number | undefined) => void;
}

export interface Downloaded {
  readonly sha256: string;
  readonly sizeBytes: number;
}

const MAX_REDIRECTS = 5;

/**
 * Plain GET requests that write to files. If the file cannot be written, that error is thrown unchanged: the problem is
 * this host, not the source.
 */
export type Http = ReturnType<typeof createHttp>;

export function createHttp({ connect, stallTimeoutMs }: HttpOptions) {
  async function get(
    url: URL,
    signal: AbortSignal,
    redirects = 0,
  ): Promise<Result<IncomingMessage, HttpProblem>> {
    const connection = await connect(url, signal);
    if (!connection.ok) return err({ kind: 'unreachable', why: connection.error });
    const { socket, wholeUrl } = connection.value;
    const response = await new Promise<IncomingMessage | Error>((resolve) => {
      const sent = request({
        createConnection: () => socket,
        method: 'GET',
        path: wholeUrl ? url.href : `${url.pathname}${url.search}`,
        headers: { host: url.host, 'user-agent': 'cnilab', accept: '*/*', connection: 'close' },
        signal,
      });
      const silence = setTimeout(
        () => sent.destroy(new Error(`no answer for ${stallTimeoutMs} ms`)),
        stallTimeoutMs,
      );
      sent.once('response', resolve);
      sent.once('error', resolve);
      sent.once('response', () => clearTimeout(silence));
      sent.once('close', () => clearTimeout(silence));
      sent.end();
    });
    signal.throwIfAborted();
    if (response instanceof Error) return err({ kind: 'broken', why: `${url.href}: ${messageOf(response)}` });
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url.href)) {
      response.destroy();
      if (redirects === MAX_REDIRECTS)
        return err({ kind: 'broken', why: `${url.href}: more than ${MAX_REDIRECTS} redirects` });
      const next = new URL(location, url);
      if (url.protocol === 'https:' && next.protocol !== 'https:') {
        return err({ kind: 'broken', why: `${url.href} redirects to ${next.href}, which is not https` });
      }
      return get(next, signal, redirects + 1);
    }
    if (status !== 200) {
      response.destroy();
      const kind = status === 404 || status === 410 ? 'not-there' : 'broken';
      return err({ kind, why: `${url.href}: the server answered ${status}` });
    }
    return ok(response);
  }

  async function download(url: string, options: DownloadOptions): Promise<Result<Downloaded, HttpProblem>> {
    const { signal, toHostPath, maxBytes, onProgress } = options;
    if (!URL.canParse(url)) return err({ kind: 'broken', why: `${url} is not a URL` });
    const answer = await get(new URL(url), signal);
    if (!answer.ok) return answer;
    const body = answer.value;
    const announced = body.headers['content-length'];
    const totalBytes = announced === undefined ? undefined : Number(announced);
    const hash = createHash('sha256');
    let doneBytes = 0;
    let problem: string | undefined;
    const stop = (why: string) => {
      problem ??= why;
      body.destroy(new Error(why));
    };
    const stalled = () =>
      stop(`the transfer stalled for ${stallTimeoutMs} ms after ${doneBytes} of ${totalBytes ?? '?'} bytes`);
    let timer = setTimeout(stalled, stallTimeoutMs);
    body.once('error', () => {
      problem ??= `the transfer broke off after ${doneBytes} of ${totalBytes ?? '?'} bytes`;
    });
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(stalled, stallTimeoutMs);
        doneBytes += chunk.length;
        if (doneBytes > maxBytes) stop(`the file is larger than ${maxBytes} bytes`);
        hash.update(chunk);
        onProgress?.(doneBytes, totalBytes);
        done(null, chunk);
      },
    });
    try {
      await pipeline(body, meter, createWriteStream(toHostPath));
    } catch (thrown) {
      signal.throwIfAborted();
      if (problem === undefined) throw thrown;
      return err({ kind: 'broken', why: `${url}: ${problem}` });
    } finally {
      clearTimeout(timer);
    }
    if (totalBytes !== undefined && doneBytes !== totalBytes) {
      return err({
        kind: 'broken',
        why: `${url}: the transfer broke off after ${doneBytes} of ${totalBytes} bytes`,
      });
    }
    return ok({ sha256: hash.digest('hex'), sizeBytes: doneBytes });
  }

  /** Why this URL is not available at the moment; undefined if its host accepts connections. */
  async function reach(url: string, signal: AbortSignal): Promise<string | undefined> {
    const connection = await connect(new URL(url), signal);
    if (!connection.ok) return connection.error;
    connection.value.socket.destroy();
    return undefined;
  }

  return { download, reach };
}

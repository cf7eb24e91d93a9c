import { once } from '../core/lab-error.ts';
import type { ConnectOptions } from './connect.ts';
import type { Http, HttpOptions } from './http.ts';

/**
 * An Http that loads itself, and the networking modules of Node, on first use. A run that finds everything in the cache
 * never loads them.
 */
export function lazyHttp(options: ConnectOptions & Omit<HttpOptions, 'connect'>): Http {
  const http = once(async (): Promise<Http> => {
    const [{ createConnect }, { createHttp }] = await Promise.all([
      import('./connect.ts'),
      import('./http.ts'),
    ]);
    return createHttp({ ...options, connect: createConnect(options) });
  });
  return {
    download: async (...request) => (await http()).download(...request),
    reach: async (...request) => (await http()).reach(...request),
  };
}

import type { ConnectOptions } from './connect.ts';
import type { Http, HttpOptions } from './http.ts';

/**
 * An Http that loads itself, and the networking modules of Node, on first use. A run that finds everything in the cache
 * never loads them.
 */
export function lazyHttp(options: ConnectOptions & Omit<HttpOptions, 'connect'>): Http {
  let loading: Promise<Http> | undefined;
  const load = async (): Promise<Http> => {
    const [{ createConnect }, { createHttp }] = await Promise.all([
      import('./connect.ts'),
      import('./http.ts'),
    ]);
    return createHttp({ ...options, connect: createConnect(options) });
  };
  const http = () => (loading ??= load());
  return {
    download: async (...request) => (await http()).download(...request),
    reach: async (...request) => (await http()).reach(...request),
  };
}

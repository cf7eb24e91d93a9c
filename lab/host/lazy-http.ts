import type { ConnectOptions } from './connect.ts';
import type { Http, HttpOptions } from './http.ts';

/** Http that is loaded, with Node's own networking, when it is first used: a run that finds all in the cache never does. */
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

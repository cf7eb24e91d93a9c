import { isIPv4, isIPv6 } from 'node:net';

/** What is wrong with an address that `connect` is to try, as far as it is known before the run: `${…}` may be anything. */
export function addressMistake(text: string): string | undefined {
  const [, host = '', port = ''] = /^(\[.*\]|[^:]*):([^:]*)$/.exec(text.replaceAll(REFERENCE, '\0')) ?? [];
  const number = /^\d+$/.test(port) ? Number(port) : Number.NaN;
  const isPort = port.includes('\0') || (number >= 1 && number <= 65_535);
  if (isPort && isHost(host)) return undefined;
  return `wanted an address and a port from 1 to 65535: 10.88.0.1:80, \${web.ip}:80 or [\${web.ip6}]:80; got ${JSON.stringify(text)}`;
}

/** The colon of `${x:ip}` is none of the address's. */
const REFERENCE = /\$\{[^}]*\}/g;

function isHost(host: string): boolean {
  if (host.includes('\0')) return true;
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1));
  if (/^[\d.]+$/.test(host)) return isIPv4(host);
  return /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host);
}

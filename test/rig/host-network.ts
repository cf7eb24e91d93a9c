import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** What only a lab that works in the network of this host could change. Nodes and the engines of tests have their own. */
export interface HostNetwork {
  readonly links: readonly string[];
  readonly rules: string;
}

export const networkOfHost = (): HostNetwork => ({
  links: readdirSync('/sys/class/net').sort(),
  rules: kernelTables(),
});

/**
 * The host's tables and rules, from whatever can show them here. Without such a program, the tables of the
 * kernel modules.
 */
function kernelTables(): string {
  for (const argv of [['iptables-save'], ['nft', 'list', 'ruleset']]) {
    try {
      return execFileSync(argv[0] ?? '', argv.slice(1), {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).replaceAll(/^#.*$/gm, '');
    } catch {
      // not installed: the next one is tried
    }
  }
  return ['ip_tables_names', 'ip6_tables_names']
    .map((name) => (existsSync(`/proc/net/${name}`) ? readFileSync(`/proc/net/${name}`, 'utf8') : ''))
    .join('');
}

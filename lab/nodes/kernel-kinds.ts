import { LabError } from '../core/lab-error.ts';
import type { CommandResult } from '../core/ports.ts';

/** A kernel feature that plugins request by its name, and that a kernel can be built without. */
interface Kind {
  readonly name: string;
  /** what a message mentions besides its name: the standard plugins that create one */
  readonly words: readonly string[];
  /** A command that requests it. Whether the command succeeds does not matter. */
  readonly argv: readonly string[];
  readonly stdin?: string;
}

const device = (name: string, words: readonly string[], more: readonly string[] = []): Kind => ({
  name,
  words,
  argv: ['ip', 'link', 'add', 'link', 'lo', 'cnilab0', 'type', name, ...more],
});

const KINDS: readonly Kind[] = [
  device('bridge', ['bridge']),
  device('veth', ['bridge', 'ptp']),
  device('macvlan', ['macvlan']),
  device('ipvlan', ['ipvlan']),
  device('vlan', ['vlan'], ['id', '5']),
  device('dummy', ['dummy']),
  device('ifb', ['bandwidth']),
  device('vrf', ['vrf'], ['table', '10']),
  device('vxlan', [], ['id', '1', 'dstport', '4789']),
  {
    name: 'tbf',
    words: ['bandwidth'],
    argv: [
      'tc',
      'qdisc',
      'add',
      'dev',
      'lo',
      'root',
      'tbf',
      'rate',
      '1mbit',
      'burst',
      '32kbit',
      'latency',
      '1s',
    ],
  },
  { name: 'tun', words: ['tap'], argv: ['ip', 'tuntap', 'add', 'cnilab0', 'mode', 'tap'] },
  {
    name: 'nftables',
    words: ['nft'], // no plugin is listed, because each of them also works without nft
    argv: ['nft', '-f', '-'],
    stdin:
      'add table ip cnilab\n' +
      'add chain ip cnilab post { type nat hook postrouting priority 100 ; }\n' +
      'add rule ip cnilab post masquerade\n' +
      'add chain ip cnilab pre { type nat hook prerouting priority -100 ; }\n' +
      'add rule ip cnilab pre tcp dport 80 dnat to 10.0.0.1:80\n',
  },
];

/** Runs a command where the kernel is to be checked: on a node, or on this host. */
export type Ask = (argv: readonly string[], options: { readonly stdin?: string }) => Promise<CommandResult>;

export interface KernelKinds {
  /** kinds that the kernel reports as missing */
  readonly missing: readonly string[];
  /** kinds whose state is unknown, because the program to check them does not exist */
  readonly unknown: readonly string[];
}

/** Checks each kind in a temporary network namespace. */
export async function askForKinds(
  ask: Ask,
  names: readonly string[] = KINDS.map(({ name }) => name),
): Promise<KernelKinds> {
  const missing: string[] = [];
  const unknown: string[] = [];
  for (const { name, argv, stdin } of KINDS.filter((kind) => names.includes(kind.name))) {
    const answer = await ask(['unshare', '--net', ...argv], stdin === undefined ? {} : { stdin }).catch(
      unasked,
    );
    if (answer === undefined || answer.stderr.startsWith('unshare: ')) unknown.push(name);
    else if (answer.exitCode !== 0 && NO_SUCH_KIND.test(answer.stderr)) missing.push(name);
  }
  return { missing, unknown };
}

function unasked(thrown: unknown): undefined {
  if (!(thrown instanceof LabError)) throw thrown;
}

/** Messages of iproute2 and nft for a kind that the kernel does not have, for older and newer kernels. */
const NO_SUCH_KIND =
  /Unknown device type|qdisc kind is unknown|(?:answers|rule): (?:Operation not supported|No such file or directory)|open: No such|Protocol not supported/;

/** Messages of a command that was refused by the kernel itself, not by a plugin or because of its input. */
const KERNEL_REFUSES =
  /not supported|unknown device type|qdisc kind is unknown|no such file or directory|no such device/i;

/** Messages of programs that report a missing kernel feature themselves. */
const KERNEL_LACKS = /missing kernel module|do you need to insmod|could not fetch rule set generation id/i;

/** The kernel feature whose absence made this command fail, if that is the reason; for people. */
export async function lackedBy(
  { argv, exitCode, stdout, stderr }: Pick<CommandResult, 'argv' | 'exitCode' | 'stdout' | 'stderr'>,
  ask: Ask,
): Promise<string | undefined> {
  const output = `${stdout}\n${stderr}`;
  if (exitCode === 0) return undefined;
  const line = output.split('\n').find((one) => KERNEL_LACKS.test(one));
  if (line !== undefined) return `what this is about: ${line.trim()}`;
  if (!KERNEL_REFUSES.test(output)) return undefined;
  const words = new Set([...argv, output].flatMap((text) => text.match(/[\w-]+/g) ?? []));
  const named = KINDS.filter((kind) => [kind.name, ...kind.words].some((word) => words.has(word)));
  if (named.length === 0) return undefined;
  const { missing } = await askForKinds(
    ask,
    named.map(({ name }) => name),
  );
  return missing.length === 0 ? undefined : missing.join(', ');
}

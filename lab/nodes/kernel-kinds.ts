import { LabError } from '../core/lab-error.ts';
import type { CommandResult } from '../core/ports.ts';

/** Something that plugins ask of the kernel by its name, and that a kernel can be built without. */
interface Kind {
  readonly name: string;
  /** the standard plugins that make one */
  readonly plugins: readonly string[];
  readonly makeWith: 'ip' | 'tc';
  /** A line of `ip -batch` or `tc -batch` that asks for one; whether it is made does not matter. */
  readonly line: string;
}

const device = (name: string, plugins: readonly string[], more = ''): Kind => ({
  name,
  plugins,
  makeWith: 'ip',
  line: `link add cnilab-${name} type ${name}${more}`,
});

const KINDS: readonly Kind[] = [
  device('bridge', ['bridge']),
  device('veth', ['bridge', 'ptp']),
  device('macvlan', ['macvlan']),
  device('ipvlan', ['ipvlan']),
  { ...device('vlan', ['vlan']), line: 'link add link lo cnilab-vlan type vlan id 5' },
  device('dummy', ['dummy']),
  device('ifb', ['bandwidth']),
  device('vrf', ['vrf'], ' table 10'),
  device('vxlan', [], ' id 1 dstport 4789'),
  {
    name: 'tbf',
    plugins: ['bandwidth'],
    makeWith: 'tc',
    line: 'qdisc add dev lo root tbf rate 1mbit burst 32kbit latency 400ms',
  },
];

/** Runs a command where the kernel is to be asked: on a node, or on this host. */
export type Ask = (argv: readonly string[], options: { readonly stdin: string }) => Promise<CommandResult>;

/**
 * Those of these kinds that the kernel says it does not have, asked in a network namespace that is gone afterwards. Where
 * there is nothing to ask with, nothing is known to be missing: `asked` is false.
 */
export async function missingKinds(
  ask: Ask,
  names: readonly string[] = KINDS.map(({ name }) => name),
): Promise<{ readonly asked: boolean; readonly missing: readonly string[] }> {
  const missing: string[] = [];
  for (const program of ['ip', 'tc'] as const) {
    const kinds = KINDS.filter(({ name, makeWith }) => names.includes(name) && makeWith === program);
    if (kinds.length === 0) continue;
    const stdin = kinds.map(({ line }) => `${line}\n`).join('');
    const told = await ask(['unshare', '--net', program, '-force', '-batch', '-'], { stdin }).catch(unasked);
    if (told === undefined || (told.exitCode !== 0 && !told.stderr.includes('Command failed -:')))
      return { asked: false, missing };
    missing.push(...refusedLines(told.stderr).flatMap((number) => kinds[number - 1]?.name ?? []));
  }
  return { asked: true, missing };
}

function unasked(thrown: unknown): undefined {
  if (!(thrown instanceof LabError)) throw thrown;
}

/** What the kernel says of a kind that it does not have, in the words of iproute2 for newer kernels and older ones. */
const NO_SUCH_KIND =
  /Unknown device type|qdisc kind is unknown|answers: (?:Operation not supported|No such file or directory)/;

/** Each refusal is followed by the number of its line. */
const refusedLines = (stderr: string): readonly number[] =>
  stderr.split(/(?<=^Command failed -:\d+$)/m).flatMap((told) => {
    const number = /^Command failed -:(\d+)$/m.exec(told)?.[1];
    return number !== undefined && NO_SUCH_KIND.test(told) ? [Number(number)] : [];
  });

/** What a command says that was refused by the kernel itself, and not by a plugin or by what it was asked for. */
const KERNEL_REFUSES =
  /not supported|unknown device type|qdisc kind is unknown|no such file or directory|no such device/i;

/** Of these, programs say that it is the kernel that lacks something. */
const KERNEL_LACKS = /missing kernel module|do you need to insmod|could not fetch rule set generation id/i;

/** What the kernel lacks that this command needed, if it failed for that; for people. */
export async function lackedBy(
  { argv, exitCode, stdout, stderr }: CommandResult,
  ask: Ask,
): Promise<string | undefined> {
  const said = `${stdout}\n${stderr}`;
  if (exitCode === 0) return undefined;
  const line = said.split('\n').find((one) => KERNEL_LACKS.test(one));
  if (line !== undefined) return `what this is about: ${line.trim()}`;
  if (!KERNEL_REFUSES.test(said)) return undefined;
  const words = new Set([...argv, said].flatMap((text) => text.match(/[\w-]+/g) ?? []));
  const named = KINDS.filter(({ name, plugins }) => [name, ...plugins].some((word) => words.has(word)));
  if (named.length === 0) return undefined;
  const { missing } = await missingKinds(
    ask,
    named.map(({ name }) => name),
  );
  return missing.length === 0 ? undefined : missing.join(', ');
}

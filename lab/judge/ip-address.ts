/** An address as a number: two texts of one IPv6 address are the same. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface IpPrefix extends IpAddress {
  readonly length: number;
}

export function parseIp(text: string): IpAddress | undefined {
  if (/^\d+(?:\.\d+){3}$/.test(text)) {
    const parts = text.split('.').map(Number);
    return parts.some((part) => part > 255) ? undefined : { bits: 32, value: joined(parts, 8n) };
  }
  const halves = text.split('::');
  if (!text.includes(':') || halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map(groupsOf);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return groups.some(Number.isNaN) ? undefined : { bits: 128, value: joined(groups, 16n) };
}

export function parsePrefix(text: string): IpPrefix | undefined {
  const [address = '', length = ''] = text.split('/');
  const ip = parseIp(address);
  return ip === undefined || !/^\d+$/.test(length) ? undefined : { ...ip, length: Number(length) };
}

/** The first address after the network's own: what host-local gives as gateway where none is named. */
export function firstAddress({ bits, value, length }: IpPrefix): IpAddress {
  const rest = BigInt(bits - length);
  return { bits, value: ((value >> rest) << rest) + 1n };
}

const groupsOf = (half: string): readonly number[] =>
  half === ''
    ? []
    : half.split(':').map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN));

const joined = (parts: readonly number[], width: bigint): bigint =>
  parts.reduce((value, part) => (value << width) | BigInt(part), 0n);

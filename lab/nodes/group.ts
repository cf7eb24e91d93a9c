import type { NodeOptions, RunningNode } from './node.ts';

/** A node of a group, by its name on the host and by what the others call it. */
export interface GroupNode {
  readonly name: string;
  readonly alias: string;
}

/** Nodes with a network of their own between them, from which nothing leads out. */
export interface NodeGroup {
  /** One of its nodes, by its name on the host, ready for commands. Throws LabError. */
  start(options: NodeOptions): Promise<RunningNode>;
  /** No more nodes are started. The network is there for as long as one of them is. Safe to call twice. */
  close(): Promise<void>;
}

/** A node's place in its group, as the agent has it: images/node-tools/internal/segment. */
export interface Member {
  readonly number: number;
  readonly addresses: readonly string[];
  readonly mac: string;
  /** lines of /etc/hosts */
  readonly hosts: string;
}

/** The address of the first node, the second, and so on, the same on all backends. */
export const addressOf = (number: number): string => `10.89.0.${number}`;
const address6Of = (number: number): string => `fd00:89::${number.toString(16)}`;

/** The places of all nodes, by their names on the host. */
export function membersOf(nodes: readonly GroupNode[]): ReadonlyMap<string, Member> {
  const hosts = nodes
    .flatMap(({ alias }, index) => [
      `${addressOf(index + 1)} ${alias}\n`,
      `${address6Of(index + 1)} ${alias}\n`,
    ])
    .join('');
  return new Map(
    nodes.map(({ name }, index) => {
      const number = index + 1;
      const addresses = [`${addressOf(number)}/24`, `${address6Of(number)}/64`];
      const mac = `02:00:0a:59:00:${number.toString(16).padStart(2, '0')}`;
      return [name, { number, addresses, mac, hosts }];
    }),
  );
}

/** The node's own place. A name that is none of the group's is a mistake in the lab. */
export function memberNamed(members: ReadonlyMap<string, Member>, name: string): Member {
  const member = members.get(name);
  if (member === undefined) throw new Error(`${name} is no node of this group`);
  return member;
}

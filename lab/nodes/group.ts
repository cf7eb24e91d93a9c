import type { NodeOptions, RunningNode } from './node.ts';

/** A node of a group: its name on the host, and the name that other nodes use for it. */
export interface GroupNode {
  readonly name: string;
  readonly alias: string;
}

/** Nodes with a network between them. No route leads out of it. */
export interface NodeGroup {
  /** Starts one of its nodes, by its name on the host. The result is ready for commands. Throws LabError. */
  start(options: NodeOptions): Promise<RunningNode>;
  /** No more nodes will be started. The network exists until the last node has ended. Safe to call twice. */
  close(): Promise<void>;
}

/** The place of a node in its group, in the form that the agent reads: images/node-tools/internal/segment. */
export interface Member {
  readonly number: number;
  readonly addresses: readonly string[];
  readonly mac: string;
  /** lines of /etc/hosts */
  readonly hosts: string;
}

/** The name of the interface of each node. */
export const GROUP_LINK = 'lab0';

/** The address of the node with this number. It is the same on all backends. */
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

/** The place of one node. A name that is not in the group is a bug in the lab. */
export function memberNamed(members: ReadonlyMap<string, Member>, name: string): Member {
  const member = members.get(name);
  if (member === undefined) throw new Error(`${name} is no node of this group`);
  return member;
}

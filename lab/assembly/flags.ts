import type { BackendName } from '../nodes/node.ts';

/** Every flag of the commands that make nodes; see `cnilab run --help` for what each is for. */
export interface NodeFlags {
  readonly containerd?: readonly string[];
  readonly runc?: string;
  readonly cniPlugins?: string;
  readonly crictl?: string;
  readonly set?: readonly string[];
  readonly backend: 'auto' | BackendName;
  /** the image that container nodes start from */
  readonly base?: string;
  /** of virtual machines */
  readonly kernel?: string;
  readonly offline?: true;
  readonly sources?: string;
  readonly mirror?: string;
}

export interface RunFlags extends NodeFlags {
  readonly jobs?: number;
  readonly keep?: true;
  readonly reporter?: readonly string[];
  readonly output: string;
  readonly timeout?: number;
  readonly verbose?: true;
}

export type SourceFlags = Pick<NodeFlags, 'kernel' | 'offline' | 'sources' | 'mirror'>;

export type BackendFlags = Pick<NodeFlags, 'backend' | 'base' | 'kernel'>;

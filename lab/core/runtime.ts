import type { RuntimeName } from './components.ts';
import type { JsonObject } from './content.ts';
import type { LogLine } from './logrus.ts';
import type { CommandResult } from './ports.ts';

/**
 * A container runtime, as data and pure functions: all that is needed to run containerd or CRI-O on a node and to read
 * its output. Everything above nodes/runtimes/ uses this interface and does not ask which runtime it is.
 */
export interface Runtime {
  readonly name: RuntimeName;
  /** the command that starts it; also used to find its program when a saved node is resumed */
  readonly argv: readonly string[];
  /** on the node; standard output and standard error are appended to it */
  readonly logNodePath: string;
  /**
   * on the node; everything that it reads at its start is below this directory, so a file here can change how it starts
   */
  readonly configNodePath: string;
  /** Its files for this version. `config` is merged over the configuration of the lab. */
  files(version: string, config: JsonObject): readonly RuntimeFile[];
  /**
   * The command that imports an image archive into its store. If the runtime does not answer yet, the command fails and
   * is run again.
   */
  importImage(archiveNodePath: string): readonly string[];
  /** For a runtime that reads at its start where it gets images from: the command that tells it, before the start. */
  announceImages?(archiveNodePaths: readonly string[]): readonly string[];
  /** where it keeps images and their metadata, with the configuration of the lab */
  readonly imageStore: ImageStore;
  /** the command that prints the configuration that it reads */
  readonly configDump: readonly string[];
  /** The keys of `config` that it ignores; undefined if it reads all of them. */
  unreadConfig(config: JsonObject, seen: ConfigSeen): UnreadConfig | undefined;
  /**
   * The parts of `config` that are for other versions than this one and so may be ignored. Computed before a node runs,
   * so it is only likely. `writtenFor`: the version that this one replaces, and whose file it reads.
   */
  configNote(config: JsonObject, version: string, writtenFor?: string): string | undefined;
  parseLog(text: string): readonly LogLine[];
  /** The lines of its log since its last start that say why it gave up, or why CRI is not available. */
  reasonsNotStarted(log: string): readonly string[];
  /** The same. If the log has no reason, the last lines. */
  whyNotStarted(log: string): readonly string[];
  readonly traits: RuntimeTraits;
}

/** All runtimes by name. */
export type Runtimes = { readonly [N in RuntimeName]: Runtime };

export interface ImageStore {
  readonly folder: string;
  /** path in it of data that must differ between nodes, such as an id */
  readonly ofOneNode: string;
  /** a command that lists images; CRI sees an image a moment after its import */
  readonly list: readonly string[];
  /** The lines of that output for images that CRI does not see yet. */
  unknownToCri(listed: string): readonly string[];
}

export interface RuntimeFile {
  readonly nodePath: string;
  readonly content: string;
  readonly mode?: number;
}

/** What a runtime shows of the configuration that it has read. */
export interface ConfigSeen {
  readonly version: string;
  /** the result of `configDump` on the node */
  readonly dump: CommandResult;
  /** the log since its start; undefined if it was not read */
  readonly log: string | undefined;
}

export interface UnreadConfig {
  readonly message: string;
  readonly detail: readonly string[];
}

/** What the agent needs to know about a runtime. The other side is Traits in images/node-tools/internal/cri. */
export interface RuntimeTraits {
  /** the socket on which it serves CRI */
  readonly socket: string;
  /** names of its own long-running programs; their processes are not left behind by a pod */
  readonly daemons: readonly string[];
  /**
   * Programs that monitor a pod or a container and outlive the daemon. The argument after `idFlag` is the id of the pod
   * or container.
   */
  readonly monitors: readonly { readonly prefix: string; readonly idFlag: string }[];
  /**
   * where the verbose answer to PodSandboxStatus has the list of the namespaces of the pod: a key of `info`, then the
   * path below it
   */
  readonly namespaces: readonly string[];
  /** directories of its own state; no plugin writes to them */
  readonly stateFolders: readonly string[];
  /** the cgroup that contains the cgroups of all pods; it is never removed */
  readonly cgroup: string;
  /** files (or globs) that may configure another directory than /etc/cni/net.d, and the key for it */
  readonly cniFolder: { readonly files: readonly string[]; readonly key: string };
}

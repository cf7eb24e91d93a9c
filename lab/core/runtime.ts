import type { RuntimeName } from './components.ts';
import type { JsonObject } from './content.ts';
import type { LogLine } from './logrus.ts';
import type { CommandResult } from './ports.ts';

/**
 * A container runtime, as data and pure functions: what has to be known of containerd, or of CRI-O, to run it on a node and
 * to read what it says. Everything above nodes/runtimes/ is written against this and does not ask which runtime it is.
 */
export interface Runtime {
  readonly name: RuntimeName;
  /** what starts it; what stands there is looked for when a saved node is resumed, too */
  readonly argv: readonly string[];
  /** on the node; both its outputs are appended to it */
  readonly logNodePath: string;
  /** below it is all that it reads at its start: who writes there has a word in how it starts */
  readonly configNodePath: string;
  /** Its files for this version, with `config` laid over the lab's own configuration. */
  files(version: string, config: JsonObject): readonly RuntimeFile[];
  /** The command that puts an image archive into its store. One that cannot yet be answered fails, and is run again. */
  importImage(archiveNodePath: string): readonly string[];
  /** where it keeps images and what it knows of them, with the lab's own configuration */
  readonly imageStore: ImageStore;
  /** the command that prints the configuration it reads */
  readonly configDump: readonly string[];
  /** The keys of `config` that it skips; undefined where it reads them all. */
  unreadConfig(config: JsonObject, seen: ConfigSeen): UnreadConfig | undefined;
  /** What of `config` is for other versions than this one, and may be skipped: known before a node runs, so only likely. `writtenFor`: the version that this one replaces, and whose file it reads. */
  configNote(config: JsonObject, version: string, writtenFor?: string): string | undefined;
  parseLog(text: string): readonly LogLine[];
  /** Of its log, the lines since its last start that say why it gave up, or why CRI is not there. */
  reasonsNotStarted(log: string): readonly string[];
  /** The same or, where it does not say why, the last lines. */
  whyNotStarted(log: string): readonly string[];
  readonly traits: RuntimeTraits;
}

/** By name, all that there are. */
export type Runtimes = { readonly [N in RuntimeName]: Runtime };

export interface ImageStore {
  readonly folder: string;
  /** path in it of what no two nodes share, as an id */
  readonly ofOneNode: string;
  /** a command that lists images: CRI takes one up a moment after its import */
  readonly list: readonly string[];
  /** Of what that printed, the lines of images that CRI does not know yet. */
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
  /** what `configDump` did, on the node */
  readonly dump: CommandResult;
  /** from its start on; undefined where it was not read */
  readonly log: string | undefined;
}

export interface UnreadConfig {
  readonly message: string;
  readonly detail: readonly string[];
}

/** What the agent has to know of a runtime; Traits of images/node-tools/internal/cri is the other side. */
export interface RuntimeTraits {
  /** the socket on which it answers CRI */
  readonly socket: string;
  /** names of its own programs that stay: they are no processes that a pod has left */
  readonly daemons: readonly string[];
  /** Programs that watch a pod or a container and outlive the daemon; the argument after `idFlag` says whose it is. */
  readonly monitors: readonly { readonly prefix: string; readonly idFlag: string }[];
  /** in the verbose answer to PodSandboxStatus: a key of `info`, and the way from there to the list of the pod's namespaces */
  readonly namespaces: readonly string[];
  /** folders of its own state, which no plugin writes to */
  readonly stateFolders: readonly string[];
  /** the cgroup in which it puts those of all pods, and which stays */
  readonly cgroup: string;
  /** files (or globs) that may name another folder than /etc/cni/net.d, and the key in them that does */
  readonly cniFolder: { readonly files: readonly string[]; readonly key: string };
}

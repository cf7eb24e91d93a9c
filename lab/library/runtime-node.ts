import { ambientWorld } from '../assembly/ambient.ts';
import { BadInput } from '../core/lab-error.ts';
import { describe } from './check.ts';
import type { BackendName } from '../nodes/node.ts';
import type { JsonObject } from '../core/content.ts';
import type { NodeLimits } from '../core/node-state.ts';
import { ANY_NODE, anyContent, conflistFile, type NodeRequest } from './node-request.ts';
import { INPUTS, scriptedPlugin } from './inputs.ts';
import type { PluginScript } from './plugin-script.ts';
import { startNode, type StartOptions } from './start-node.ts';
import type { StartedNode } from './started-node.ts';

/**
 * Describes a node with a real runtime: `await using node = await new RuntimeNode().withContainerd('1.6.3').start()`.
 * Each `with…` method returns a new object and changes nothing, so tests can share a common base.
 */
export class RuntimeNode {
  readonly #request: NodeRequest;

  constructor();
  /** @internal */
  constructor(request: NodeRequest);
  constructor(request: NodeRequest = ANY_NODE) {
    if (!isRequest(request))
      throw new BadInput(
        `RuntimeNode: takes nothing; got ${describe(request)}; a version goes to withContainerd or withCrio`,
      );
    this.#request = request;
  }

  /** A version in the form of scenario files: `1.6.3`, `debian:bookworm`, `local:../containerd/bin`. */
  withContainerd(version: string): RuntimeNode {
    INPUTS.version(version, 'withContainerd');
    return this.#with({ runtime: { name: 'containerd', version } });
  }

  /** The same with CRI-O instead of containerd. The last of the two calls counts. */
  withCrio(version: string): RuntimeNode {
    INPUTS.version(version, 'withCrio');
    return this.#with({ runtime: { name: 'crio', version } });
  }

  /** The default `auto` is the first backend that works on this host. */
  withBackend(backend: BackendName | 'auto'): RuntimeNode {
    INPUTS.backend(backend, 'withBackend');
    return this.#with({ backend });
  }

  withRunc(runc: string): RuntimeNode {
    INPUTS.version(runc, 'withRunc');
    return this.#with({ runc });
  }

  withCrictl(crictl: string): RuntimeNode {
    INPUTS.version(crictl, 'withCrictl');
    return this.#with({ crictl });
  }

  /** The standard plugins of this version. `none` for an empty /opt/cni/bin. */
  withCniPlugins(cniPlugins: string): RuntimeNode {
    INPUTS.pluginsVersion(cniPlugins, 'withCniPlugins');
    return this.#with({ cniPlugins });
  }

  /** Your own plugin, in addition to the standard ones or replacing one. Its type is the name of the file. */
  withPlugin(hostPath: string): RuntimeNode {
    INPUTS.hostPath(hostPath, 'withPlugin');
    return this.#with({ ownPlugins: [...this.#request.ownPlugins, hostPath] });
  }

  /** A plugin that follows the script, in addition to the standard ones or replacing one. `name` is its type. */
  withScriptedPlugin(name: string, script: PluginScript): RuntimeNode {
    const fake = scriptedPlugin('withScriptedPlugin', name, script);
    const others = this.#request.scriptedPlugins.filter(({ plugin }) => plugin !== name);
    return this.#with({ scriptedPlugins: [...others, fake] });
  }

  /** Records every plugin call, for `pluginCalls()` and the matchers of calls. */
  withRecordedCalls(): RuntimeNode {
    return this.#with({ recordsCalls: true });
  }

  /** A file in /etc/cni/net.d: an object, whose `name` gives the file name, or a file name and bytes. */
  withCniConfig(config: JsonObject): RuntimeNode;
  withCniConfig(name: string, content: string | Uint8Array | JsonObject): RuntimeNode;
  withCniConfig(
    nameOrConfig: string | JsonObject,
    content: string | Uint8Array | JsonObject = '',
  ): RuntimeNode {
    const at = 'withCniConfig';
    if (typeof nameOrConfig !== 'string') INPUTS.json(nameOrConfig, at);
    else if (isContent(content)) INPUTS.content(content, `${at} content`);
    else INPUTS.json(content, `${at} content`);
    const file =
      typeof nameOrConfig === 'string'
        ? { name: nameOrConfig, ...anyContent(content) }
        : conflistFile(nameOrConfig);
    INPUTS.configName(file.name, at);
    return this.#with({ cniConfig: [...this.#request.cniConfig, file] });
  }

  /** Merged over the default configuration of the runtime, table by table. */
  withRuntimeConfig(runtimeConfig: JsonObject): RuntimeNode {
    INPUTS.json(runtimeConfig, 'withRuntimeConfig');
    return this.#with({ runtimeConfig });
  }

  /** Any other file, by its absolute path on the node. */
  withFile(nodePath: string, content: string | Uint8Array, mode?: number): RuntimeNode {
    INPUTS.nodePath(nodePath, 'withFile');
    INPUTS.content(content, 'withFile content');
    INPUTS.mode(mode, 'withFile mode');
    const file = { name: nodePath, ...anyContent(content), ...(mode === undefined ? {} : { mode }) };
    return this.#with({ files: [...this.#request.files, file] });
  }

  /**
   * How much of its host the node may use. Other limits keep the default of the lab. A virtual machine only supports
   * `memoryBytes`.
   */
  withLimits(limits: NodeLimits): RuntimeNode {
    INPUTS.limits(limits, 'withLimits');
    return this.#with({ limits: { ...this.#request.limits, ...limits } });
  }

  /** Turns off the seccomp filter of the lab, for tests of pods without one. A virtual machine never has it. */
  withUnfilteredSystemCalls(): RuntimeNode {
    return this.#with({ systemCalls: 'unfiltered' });
  }

  /**
   * Starts the node and waits until its runtime answers. Its components come from the cache of the lab. The first time
   * they are downloaded or built, which may take minutes. Throws BadInput for an invalid request, and LabError if the
   * host cannot do its part.
   */
  async start(options: StartOptions = {}): Promise<StartedNode> {
    INPUTS.start(options, 'start');
    return startNode(ambientWorld(), this.#request, options);
  }

  #with(more: Partial<NodeRequest>): RuntimeNode {
    return new RuntimeNode({ ...this.#request, ...more });
  }
}

/** Only the `with…` methods pass a request, but JavaScript can pass anything. */
const isRequest = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && Object.hasOwn(given, 'ownPlugins');

const isContent = (content: unknown): boolean => typeof content === 'string' || content instanceof Uint8Array;

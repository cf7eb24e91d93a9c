import { ambientWorld } from '../assembly/ambient.ts';
import type { BackendName } from '../nodes/node.ts';
import type { JsonObject } from '../spec/scenario.ts';
import { ANY_NODE, anyContent, conflistFile, type NodeRequest } from './node-request.ts';
import { INPUTS } from './inputs.ts';
import { startNode, type StartOptions } from './start-node.ts';
import type { StartedNode } from './started-node.ts';

/**
 * A node to be started, with a real containerd: `await using node = await new ContainerdNode('1.6.3').start()`. Each
 * `with…` returns another one and changes nothing, so that tests can share what they have in common.
 */
export class ContainerdNode {
  readonly #request: NodeRequest;

  /** A version as scenario files have it: `1.6.3`, `debian:bookworm`, `local:../containerd/bin`. */
  constructor(containerd?: string);
  /** @internal */
  constructor(request: NodeRequest);
  constructor(wanted: string | NodeRequest = 'default') {
    if (isRequest(wanted)) this.#request = wanted;
    else {
      INPUTS.version(wanted, 'ContainerdNode');
      this.#request = { ...ANY_NODE, containerd: wanted };
    }
  }

  /** `auto`, which is the default, is the first that works on this host. */
  withBackend(backend: BackendName | 'auto'): ContainerdNode {
    INPUTS.backend(backend, 'withBackend');
    return this.#with({ backend });
  }

  withRunc(runc: string): ContainerdNode {
    INPUTS.version(runc, 'withRunc');
    return this.#with({ runc });
  }

  withCrictl(crictl: string): ContainerdNode {
    INPUTS.version(crictl, 'withCrictl');
    return this.#with({ crictl });
  }

  /** The standard plugins of this version; `none` for an empty /opt/cni/bin. */
  withCniPlugins(cniPlugins: string): ContainerdNode {
    INPUTS.pluginsVersion(cniPlugins, 'withCniPlugins');
    return this.#with({ cniPlugins });
  }

  /** A plugin of your own, beside the standard ones or in the place of one; its type is the name of the file. */
  withPlugin(hostPath: string): ContainerdNode {
    INPUTS.hostPath(hostPath, 'withPlugin');
    return this.#with({ ownPlugins: [...this.#request.ownPlugins, hostPath] });
  }

  /** A file in /etc/cni/net.d: as an object, whose own name names the file, or byte for byte under a name. */
  withCniConfig(config: JsonObject): ContainerdNode;
  withCniConfig(name: string, content: string | Uint8Array | JsonObject): ContainerdNode;
  withCniConfig(
    nameOrConfig: string | JsonObject,
    content: string | Uint8Array | JsonObject = '',
  ): ContainerdNode {
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

  /** Laid over containerd's config.toml, table by table. */
  withContainerdConfig(containerdConfig: JsonObject): ContainerdNode {
    INPUTS.json(containerdConfig, 'withContainerdConfig');
    return this.#with({ containerdConfig });
  }

  /** Any other file, by its absolute path on the node. */
  withFile(nodePath: string, content: string | Uint8Array, mode?: number): ContainerdNode {
    INPUTS.nodePath(nodePath, 'withFile');
    INPUTS.content(content, 'withFile content');
    INPUTS.mode(mode, 'withFile mode');
    const file = { name: nodePath, ...anyContent(content), ...(mode === undefined ? {} : { mode }) };
    return this.#with({ files: [...this.#request.files, file] });
  }

  /** Without the lab's seccomp filter, for tests of pods that have none; in a virtual machine there is never one. */
  withUnfilteredSystemCalls(): ContainerdNode {
    return this.#with({ systemCalls: 'unfiltered' });
  }

  /**
   * The node, with containerd answering. What it is made of comes from the lab's cache; the first time, it is brought
   * there, which may take minutes. Throws BadInput for what cannot be, LabError where the host cannot do its part.
   */
  async start(options: StartOptions = {}): Promise<StartedNode> {
    INPUTS.start(options, 'start');
    return startNode(ambientWorld(), this.#request, options);
  }

  #with(more: Partial<NodeRequest>): ContainerdNode {
    return new ContainerdNode({ ...this.#request, ...more });
  }
}

/** Only `with…` hands over a request; whatever else a program hands over is checked as a version. */
const isRequest = (wanted: string | NodeRequest): wanted is NodeRequest =>
  typeof wanted === 'object' && wanted !== null && Object.hasOwn(wanted, 'ownPlugins');

const isContent = (content: unknown): boolean => typeof content === 'string' || content instanceof Uint8Array;

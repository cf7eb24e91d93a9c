import { LabError } from '../core/lab-error.ts';
import type { CommandResult } from '../core/ports.ts';
import type { LabNode, NodeExecOptions } from '../nodes/node.ts';
import { literally } from '../spec/template.ts';
import type { Finding } from '../judge/verdict.ts';
import type { Expectation } from '../spec/scenario.ts';
import { INPUTS } from './inputs.ts';
import { pluginCallsOf, type PluginCall } from './plugin-calls.ts';
import type { NodeHistory } from './node-history.ts';
import { execInContainer } from '../steps/containers.ts';

export interface PodOptions {
  readonly name: string;
  readonly node: LabNode;
  readonly history: NodeHistory;
  /** copies the image for containers to the node; does nothing if it is already there */
  readonly bringImage: () => Promise<void>;
}

/** The pod with a certain name; always its newest attempt. Also exists if `runPod` failed. */
export class Pod {
  readonly name: string;
  readonly #options: PodOptions;
  #containers = 0;

  /** @internal */
  constructor(options: PodOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The CRI id of the sandbox. Throws LabError if no sandbox was ever seen. */
  get id(): string {
    return this.#captured('id');
  }

  /** The IPv4 address that CRI reports. Throws LabError if it reports none. */
  get ip(): string {
    return this.#captured('ip');
  }

  get ip6(): string {
    return this.#captured('ip6');
  }

  /** The path of its network namespace on the node: /run/netns/cni-… */
  get netns(): string {
    return this.#captured('netns');
  }

  /** `crictl stopp`, which makes the plugins do DEL. Throws StepFailed if it fails. */
  async stop(): Promise<void> {
    await this.#options.history.take({ do: 'stop-pod', pod: this.name });
  }

  /** `crictl rmp`. With `force` it also removes a pod that was not stopped. Throws StepFailed if it fails. */
  async remove(options: { readonly force?: boolean } = {}): Promise<void> {
    INPUTS.remove(options, 'remove');
    const { force = false } = options;
    await this.#options.history.take({ do: 'remove-pod', pod: this.name, force });
  }

  /** Runs a program of the node in the network namespace of the pod: `['ip', '-json', 'address']`. */
  async exec(argv: readonly string[], options?: NodeExecOptions): Promise<CommandResult> {
    INPUTS.argv(argv, 'exec');
    INPUTS.exec(options, 'exec');
    return this.#options.node.exec(['nsenter', `--net=${this.netns}`, ...argv], options);
  }

  /**
   * Connects over TCP from the pod, sends, and returns everything that it received. Throws StepFailed if it cannot
   * connect.
   */
  async connect(to: string, options: { readonly send?: string } = {}): Promise<string> {
    INPUTS.address(to, 'connect');
    INPUTS.connect(options, 'connect');
    const { send } = options;
    const taken = await this.#options.history.take({
      do: 'connect',
      from: this.name,
      to: literally(to),
      ...(send === undefined ? {} : { send: literally(send) }),
    });
    return taken.commands.map(({ result }) => result.stdout).join('');
  }

  /** Runs a container in the pod with this command of busybox: `['nc', '-ll', '-p', '80', '-e', 'echo', 'hello']`. */
  async runContainer(command: readonly string[]): Promise<Container> {
    INPUTS.argv(command, 'runContainer');
    const { node, history, bringImage } = this.#options;
    await bringImage();
    this.#containers += 1;
    const name = `${this.name}-${this.#containers}`;
    await history.take({
      do: 'create-container',
      container: name,
      pod: this.name,
      command: command.map(literally),
    });
    await history.take({ do: 'start-container', container: name });
    return new Container({ name, node, history });
  }

  /**
   * The plugin calls for this pod, in the order of their starts. Throws BadInput on a node without `withRecordedCalls`,
   * and LabError if some of them are not known.
   */
  async pluginCalls(): Promise<readonly PluginCall[]> {
    return pluginCallsOf(await this.#options.history.calls(this.name));
  }

  /**
   * The judge's word on the calls that were made for this pod until now.
   * @internal
   */
  judgeCalls(expected: Pick<Expectation, 'calls' | 'noCalls' | 'callOrder'>): Promise<readonly Finding[]> {
    return this.#options.history.judgeCalls(expected, this.name);
  }

  #captured(what: string): string {
    const value = this.#options.history.captured(`${this.name}.${what}`);
    if (value === undefined) throw new LabError(`pod ${this.name} has no ${what} that CRI reported`);
    return value;
  }
}

export interface ContainerOptions {
  readonly name: string;
  readonly node: LabNode;
  readonly history: NodeHistory;
}

/** A container of a pod. */
export class Container {
  readonly name: string;
  readonly #options: ContainerOptions;

  /** @internal */
  constructor(options: ContainerOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Runs a command in the container. Its exit code is a value; 125 if the runtime did not run it. */
  async exec(argv: readonly string[], options?: NodeExecOptions): Promise<CommandResult> {
    INPUTS.argv(argv, 'exec');
    INPUTS.exec(options, 'exec');
    const { node, history, name } = this.#options;
    const id = history.captured(`${name}.id`) ?? name;
    return node.exec(execInContainer(history.runtime, { id, words: argv }), options);
  }

  /** `crictl stop`. Throws StepFailed if it fails. */
  async stop(): Promise<void> {
    await this.#options.history.take({ do: 'stop-container', container: this.name });
  }

  /** `crictl rm`. Throws StepFailed if it fails. */
  async remove(): Promise<void> {
    await this.#options.history.take({ do: 'remove-container', container: this.name });
  }
}

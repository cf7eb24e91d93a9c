import type { CommandResult } from '../core/ports.ts';
import type { LabNode, NodeExecOptions } from '../nodes/node.ts';
import { execInContainer } from '../steps/containers.ts';
import { INPUTS } from './inputs.ts';
import type { NodeHistory } from './node-history.ts';

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

  /** A command in the container, with its own exit code, which is a value; 125 where the runtime did not run it. */
  async exec(argv: readonly string[], options?: NodeExecOptions): Promise<CommandResult> {
    INPUTS.argv(argv, 'exec');
    INPUTS.exec(options, 'exec');
    const { node, history, name } = this.#options;
    const id = history.captured(`${name}.id`) ?? name;
    return node.exec(execInContainer(history.runtime, { id, words: argv }), options);
  }

  /** `crictl stop`. StepFailed when it fails. */
  async stop(): Promise<void> {
    await this.#options.history.take({ do: 'stop-container', container: this.name });
  }

  /** `crictl rm`. StepFailed when it fails. */
  async remove(): Promise<void> {
    await this.#options.history.take({ do: 'remove-container', container: this.name });
  }
}

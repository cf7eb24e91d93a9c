import { BadInput, LabError, type CleanupStack } from '../core/lab-error.ts';
import type { NodeState, StateItem } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import { judgeLeftBehind } from '../judge/left-behind.ts';
import { leftOver } from '../judge/left-over.ts';
import { worstOf } from '../judge/settling.ts';
import type { Subject } from '../judge/check.ts';
import type { Finding } from '../judge/verdict.ts';
import type { BackendName, NodeExecOptions, RunningNode } from '../nodes/node.ts';
import type { Expectation, LeftBehindExpectation, PodSpec } from '../spec/scenario.ts';
import { literally } from '../spec/template.ts';
import { NOTHING_EXPECTED, type NodeHistory } from './node-history.ts';
import { anyContent } from './node-request.ts';
import { INPUTS, scriptedPlugin } from './inputs.ts';
import { pluginCallsOf, type PluginCall } from './plugin-calls.ts';
import type { PluginScript } from './plugin-script.ts';
import { Pod } from './pod.ts';

/** A pod to run. Every missing option has its default. */
export interface PodRequest extends Partial<Omit<PodSpec, 'hostPorts'>> {
  readonly hostPorts?: readonly {
    readonly hostPort: number;
    readonly containerPort: number;
    readonly protocol?: 'tcp' | 'udp' | 'sctp';
    readonly hostIp?: string;
  }[];
}

export interface StartedNodeOptions {
  readonly node: RunningNode;
  readonly history: NodeHistory;
  readonly backend: BackendName;
  /** the version that the runtime itself reports */
  readonly runtimeVersion: string;
  readonly cleanup: CleanupStack;
  readonly bringImage: () => Promise<void>;
  /** copies the program of scripted plugins to the node; does nothing if it is already there */
  readonly bringScripted: () => Promise<void>;
}

/**
 * A running node whose runtime answers. If the runtime or a plugin fails, methods throw StepFailed. If the lab or its
 * host cannot do its part, they throw LabError. Several calls may run at once.
 */
export class StartedNode implements AsyncDisposable {
  readonly #options: StartedNodeOptions;
  #pods = 0;
  #kept = false;

  /** @internal */
  constructor(options: StartedNodeOptions) {
    this.#options = options;
  }

  /** the name for `cnilab ps` and `cnilab enter` */
  get name(): string {
    return this.#options.node.name;
  }

  get backend(): BackendName {
    return this.#options.backend;
  }

  get runtimeVersion(): string {
    return this.#options.runtimeVersion;
  }

  /**
   * `crictl runp`, which makes the plugins do ADD. The default names are `pod-1`, `pod-2`, …; using a name again is the
   * next attempt at that pod.
   */
  async runPod(request: string | PodRequest = {}): Promise<Pod> {
    if (typeof request === 'string') INPUTS.podName(request, 'runPod');
    else INPUTS.pod(request, 'runPod');
    const { name, ...spec } = typeof request === 'string' ? { name: request } : request;
    const podName = name ?? `pod-${(this.#pods += 1)}`;
    this.#options.history.addPod(podSpec(podName, spec));
    await this.#options.history.take({ do: 'run-pod', pod: podName });
    return this.pod(podName);
  }

  /** A pod by its name. Also for a pod whose `runPod` failed, so that what is left of it can be stopped and removed. */
  pod(name: string): Pod {
    INPUTS.podName(name, 'pod');
    const { node, history, bringImage } = this.#options;
    return new Pod({ name, node, history, bringImage });
  }

  /** Runs a command on the node. An exit code other than 0 is a value. */
  async exec(argv: readonly string[], options?: NodeExecOptions): Promise<CommandResult> {
    INPUTS.argv(argv, 'exec');
    INPUTS.exec(options, 'exec');
    return this.#options.node.exec(argv, options);
  }

  /**
   * Connects over TCP from the node, sends, and returns everything that it received. Throws StepFailed if it cannot
   * connect.
   */
  async connect(to: string, options: { readonly send?: string } = {}): Promise<string> {
    INPUTS.address(to, 'connect');
    INPUTS.connect(options, 'connect');
    const { send } = options;
    const sent = send === undefined ? {} : { send: literally(send) };
    const taken = await this.#options.history.take({
      do: 'connect',
      from: 'node',
      to: literally(to),
      ...sent,
    });
    return taken.commands.map(({ result }) => result.stdout).join('');
  }

  async readFile(nodePath: string): Promise<string> {
    INPUTS.nodePath(nodePath, 'readFile');
    return this.#options.node.readFile(nodePath);
  }

  /** Missing directories are created. A plugin is a file in /opt/cni/bin with mode 0o755. */
  async writeFile(nodePath: string, content: string | Uint8Array, mode?: number): Promise<void> {
    INPUTS.nodePath(nodePath, 'writeFile');
    INPUTS.content(content, 'writeFile content');
    INPUTS.mode(mode, 'writeFile mode');
    const file = anyContent(content);
    this.#options.history.writes(nodePath, file);
    await this.#options.node.writeFiles([{ nodePath, ...file, ...(mode === undefined ? {} : { mode }) }]);
  }

  /** Throws BadInput if the file does not exist. */
  async removeFile(nodePath: string): Promise<void> {
    INPUTS.nodePath(nodePath, 'removeFile');
    const absent = await this.#options.node.writeFiles([{ nodePath, remove: true, mustExist: true }]);
    if (absent.length > 0) throw new BadInput(`there is nothing at ${nodePath} on ${this.name} to remove`);
  }

  /** Ends the runtime and starts it again. Pods stay. Throws StepFailed if it does not start. */
  async restartRuntime(): Promise<void> {
    await this.#options.history.take({ do: 'stop-runtime' });
    await this.#options.history.take({ do: 'start-runtime' });
  }

  /**
   * Installs a scripted plugin in /opt/cni/bin: a new one, a new script for one, or a replacement for a real plugin.
   * Its calls are counted from now on.
   */
  async scriptPlugin(name: string, script: PluginScript): Promise<void> {
    const { history, bringScripted } = this.#options;
    const fake = scriptedPlugin('scriptPlugin', name, script);
    await bringScripted();
    await history.take({ do: 'fake-plugin', plugin: fake.plugin, fake: fake.script });
  }

  /**
   * All plugin calls since the start, in the order of their starts. Throws BadInput on a node without
   * `withRecordedCalls`, and LabError if some of them are not known.
   */
  async pluginCalls(): Promise<readonly PluginCall[]> {
    return pluginCallsOf(await this.#options.history.calls());
  }

  /** Everything that the runtime has logged so far. */
  runtimeLog(): Promise<string> {
    const { node, history } = this.#options;
    return node.readFile(history.runtime.logNodePath);
  }

  /**
   * What exists now and did not exist when the node had started, without what plugins share between pods and keep on
   * purpose. Throws LabError if some of it could not be looked at.
   */
  async leftBehind(): Promise<readonly StateItem[]> {
    const state = await this.#options.history.look();
    const { looks, instruments } = this.#options.history.facts();
    const baseline = looks[0]?.state;
    const unseen = [...(baseline?.unseen ?? []), ...state.unseen];
    if (baseline === undefined || unseen.length > 0)
      throw new LabError(
        `what is left behind on ${this.name} is not known: ${unseen.map(({ kind, why }) => `${kind}: ${why}`).join('; ')}`,
      );
    return leftOver({ baseline, state, looks, instruments }).own;
  }

  /**
   * The judge's word on what is left behind now.
   * @internal
   */
  async judgeLeftBehind(leftBehind: LeftBehindExpectation): Promise<Finding> {
    const { history } = this.#options;
    const subjectOf = (state: NodeState): Subject => {
      const subject = history.subject({ expect: { ...NOTHING_EXPECTED, leftBehind }, state });
      const { looks } = subject.facts;
      if (looks.some((look) => look.state === state)) return subject;
      const seen = [...looks, { stepId: 'now', state, runtime: 'running' as const }];
      return { ...subject, facts: { ...subject.facts, looks: seen } };
    };
    const state = await history.look((seen) => worstOf([subjectOf(seen)]));
    const [finding] = judgeLeftBehind(subjectOf(state));
    if (finding === undefined) throw new Error('an expectation of what is left behind gives a finding');
    return finding;
  }

  /**
   * The judge's word on the calls of plugins until now.
   * @internal
   */
  judgeCalls(expected: Pick<Expectation, 'calls' | 'noCalls' | 'callOrder'>): Promise<readonly Finding[]> {
    return this.#options.history.judgeCalls(expected, undefined);
  }

  /**
   * Keeps the node after the test, for `cnilab enter` and `cnilab down`. It can no longer be used through this object.
   */
  async keep(): Promise<void> {
    this.#kept = true;
    await this.#options.node.keep();
  }

  /** Ends the node and everything in it. Safe to call twice. Throws LabError if something could not be removed. */
  async end(): Promise<void> {
    if (this.#kept) return;
    const failures = await this.#options.cleanup.run();
    if (failures.length > 0)
      throw new LabError(failures.map(({ what, message }) => `${what}: ${message}`).join('; '));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

function podSpec(name: string, { hostPorts = [], ...request }: Omit<PodRequest, 'name'>): PodSpec {
  return {
    name,
    annotations: {},
    labels: {},
    hostNetwork: false,
    ...request,
    hostPorts: hostPorts.map(({ protocol = 'tcp', ...port }) => ({ ...port, protocol })),
  };
}

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

import type { Artifact } from '../../../artifacts/artifact.ts';
import { LabError, messageOf, once } from '../../../core/lab-error.ts';
import type { Clock } from '../../../core/ports.ts';
import { openAgentLink, type AgentLink, readyWithin, agentNode } from '../../agent-link.ts';
import { parseNothing } from '../../agent-protocol.ts';
import type { Member } from '../../group.ts';
import type { NodeOptions, RunningNode } from '../../node.ts';
import { copyArtifact } from './artifacts-disk.ts';
import { watchEnd } from '../launcher.ts';
import { CONSOLE_LOG, MONITOR } from './qemu-args.ts';

export interface VmNodeOptions extends NodeOptions {
  /** contains the agent, which is the launcher here */
  readonly nodeTools: Artifact;
  /** QEMU and its arguments */
  readonly argv: readonly string[];
  readonly stateHostPath: string;
  readonly clock: Clock;
  readonly readyWithinMs: number;
  /** aborts a start; it has no effect on a running node */
  readonly signal: AbortSignal;
  /** called for a guest that has booted, before it knows which node it is */
  readonly beforeBegin?: (monitorHostPath: string) => Promise<void>;
  readonly inGroup?: InGroup | undefined;
}

/** Its place in a group, and the abstract socket of the switch that connects the machines of the group. */
export interface InGroup {
  readonly socket: string;
  readonly member: Member;
}

export interface VmNode extends RunningNode {
  readonly monitorHostPath: string;
}

const ARTIFACTS_NODE_PATH = '/lab/artifacts';
const END_WITHIN_MS = 15_000;
const CONSOLE_CHARACTERS = 2000;

/**
 * Starts QEMU below a launcher and turns the guest into the node of this name. Throws LabError; then nothing is left.
 */
export async function startVmNode(options: VmNodeOptions): Promise<VmNode> {
  const { name, artifacts, nodeTools, argv, stateHostPath, readyWithinMs, signal, beforeBegin, clock } =
    options;
  const { inGroup } = options;
  const startedMs = performance.now();
  await mkdir(stateHostPath, { recursive: true });
  const launcher = spawn(
    join(nodeTools.hostPath, 'bin/agent'),
    [
      ...['vm', '--name', name, '--state-dir', stateHostPath],
      ...(inGroup === undefined ? [] : ['--segment', inGroup.socket]),
      ...['--', ...argv],
    ],
    { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true, env: {}, cwd: '/' },
  );
  const [input, output, , word] = launcher.stdio as unknown as [Duplex, Duplex, Duplex, Duplex];
  const end = watchEnd(launcher);
  const folderHostPath = join(stateHostPath, name);
  const monitorHostPath = join(folderHostPath, MONITOR);
  const begin = (): void => {
    const seed = randomBytes(64).toString('base64');
    const timeMs = clock.date().getTime();
    input.write(`${JSON.stringify({ op: 'begin', name, timeMs, seed, member: inGroup?.member })}\n`);
  };
  let refuse: (thrown: unknown) => void = () => undefined;
  const notBegun = new Promise<never>((_, reject) => (refuse = reject));
  const stream = {
    input,
    output,
    whyEnded: () => end.why,
    onBooted: () => void beforeBegin?.(monitorHostPath).then(begin, refuse),
  };
  const link = withConsole(openAgentLink(name, stream), {
    consoleHostPath: join(folderHostPath, CONSOLE_LOG),
  });
  if (beforeBegin === undefined) begin(); // the message waits in the port until the guest reads it
  word.on('error', () => undefined); // the output ends as well, and gives the reason
  let kept = false;
  const endNode = once(async () => {
    link.close();
    if (kept) launcher.kill('SIGTERM');
    else word.destroy();
    await end.within(END_WITHIN_MS, name);
  });
  try {
    await Promise.race([readyWithin(link, { name, withinMs: readyWithinMs, signal }), notBegun]);
  } catch (thrown) {
    await endNode().catch(() => undefined);
    throw thrown;
  }
  const readyMs = performance.now();

  const onDisk = new Set(artifacts.map(({ key }) => key));
  const provided = new Map<string, Promise<string>>();
  const node = agentNode(name, link, async (artifact) => {
    if (onDisk.has(artifact.key)) return `${ARTIFACTS_NODE_PATH}/${artifact.key}`;
    const copied = provided.get(artifact.key) ?? copyArtifact(link, artifact);
    provided.set(artifact.key, copied);
    return copied;
  });
  return {
    ...node,
    monitorHostPath,
    startMs: Math.round(readyMs - startedMs),
    end: endNode,
    async keep() {
      await link.request({ op: 'keep' }, parseNothing);
      await wordOf(word, name);
      kept = true;
      link.close();
      // they would keep the process of the lab alive
      for (const stream of [input, output, launcher.stderr, word]) stream?.destroy();
      launcher.unref();
    },
  };
}

/** Informs the launcher that the machine is kept. It answers when its record contains that. */
function wordOf(word: Duplex, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    word.once('data', () => resolve());
    word.once('close', () =>
      reject(new LabError(`the launcher of ${name} could not record that it is kept`)),
    );
    word.write('k');
  });
}

/** The same link. If the guest does not answer in time, the error includes the last lines of its console. */
function withConsole(link: AgentLink, { consoleHostPath }: { consoleHostPath: string }): AgentLink {
  return {
    ...link,
    request: (request, parse, options) =>
      link.request(request, parse, options).catch((thrown: unknown) => {
        if (!(thrown instanceof LabError) || !/ did not answer "/.test(thrown.message)) throw thrown;
        const shown = lastOf(consoleHostPath); // for a resumed guest, only lines since it was resumed
        throw new LabError(
          `${messageOf(thrown)}; its console ${shown === '' ? 'showed nothing' : `ended with:\n${shown}`}`,
        );
      }),
  };
}

function lastOf(hostPath: string): string {
  try {
    return readFileSync(hostPath, 'utf8').replaceAll('\r', '').trim().slice(-CONSOLE_CHARACTERS);
  } catch {
    return '';
  }
}

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join, relative } from 'node:path';

import type { Artifact } from '../../artifacts/artifact.ts';
import { hostHasIptables } from '../../artifacts/own/iptables.ts';
import { LabError } from '../../core/lab-error.ts';
import { beginAhead } from '../ahead.ts';
import { openAgentLink } from '../agent-link.ts';
import { agentNode } from '../agent-node.ts';
import { parseNothing } from '../agent-protocol.ts';
import type { Backend, RunningNode, Terminal } from '../node.ts';
import { checkBare } from './bare-check.ts';
import { endNode, isUp, readRecords, sweepRecords, type NodeRecord } from './bare-records.ts';

export interface BareBackendOptions {
  /** the artifact cache, seen by every node, read-only, at /lab/artifacts */
  readonly artifactsHostPath: string;
  /** where the records of nodes are; the same for all labs that share a cache */
  readonly stateHostPath: string;
}

const ARTIFACTS_NODE_PATH = '/lab/artifacts';
const END_WITHIN_MS = 15_000;

/** Nodes of Linux namespaces on this host; images/node-tools/cmd/agent makes them. */
export function bareBackend(options: BareBackendOptions): Backend {
  const { stateHostPath } = options;
  return {
    name: 'bare',
    jobsPerCore: 3, // 47 runs on two cores: 25.6 s two at a time, 16.6 s four, 15.3 s eight
    check: async () => checkBare(process.platform),
    async prepare({ own, first }) {
      const [nodeTools, ...layers] = await Promise.all([
        own('node-tools'),
        ...(hostHasIptables() ? [] : [own('iptables')]),
      ]);
      const begin = (name: string) => startBareNode(options, { name, nodeTools, layers });
      const ahead = beginAhead(first, begin);
      return {
        artifacts: [nodeTools, ...layers],
        start: ({ name }) => ahead.take(name) ?? begin(name),
        end: () => ahead.end(),
      };
    },
    sweep: () => sweepRecords(stateHostPath),
    async nodes() {
      const records = await readRecords(stateHostPath);
      const up = await Promise.all(records.map(isUp));
      return records.filter((_, index) => up[index]);
    },
    async down(name) {
      await endNode(stateHostPath, await recordOf(stateHostPath, name));
    },
    async enter(name, argv, terminal) {
      return enterBareNode(await recordOf(stateHostPath, name), argv, terminal);
    },
  };
}

export interface BareNodeOptions {
  readonly name: string;
  /** with the agent, which makes the node and is the first process on it */
  readonly nodeTools: Artifact;
  /** trees laid over the host's programs: iptables, where the host has none */
  readonly layers: readonly Artifact[];
}

export async function startBareNode(
  { artifactsHostPath, stateHostPath }: BareBackendOptions,
  { name, layers, nodeTools }: BareNodeOptions,
): Promise<RunningNode> {
  const startedMs = Date.now();
  await Promise.all([
    mkdir(stateHostPath, { recursive: true }),
    mkdir(artifactsHostPath, { recursive: true }),
  ]);
  const argv = ['node', '--name', name, '--artifacts', artifactsHostPath, '--state-dir', stateHostPath];
  // A session of its own, so that Ctrl-C reaches the lab alone, which then takes its nodes down in order.
  const launcher = spawn(
    join(nodeTools.hostPath, 'bin/agent'),
    [...argv, ...layers.flatMap(({ hostPath }) => ['--layer', hostPath])],
    { stdio: 'pipe', detached: true, env: {}, cwd: '/' },
  );
  const end = watchEnd(launcher);
  const link = openAgentLink(name, {
    input: launcher.stdin,
    output: launcher.stdout,
    whyEnded: () => end.why,
  });
  await link.ready;
  const readyMs = Date.now();

  let ending: Promise<void> | undefined;
  const provide = async (artifact: Artifact) =>
    join(ARTIFACTS_NODE_PATH, relative(artifactsHostPath, artifact.hostPath));
  return {
    ...agentNode(name, link, provide),
    startMs: readyMs - startedMs,
    end: () =>
      (ending ??= (async () => {
        link.close();
        if (launcher.stdout.destroyed) launcher.kill('SIGTERM'); // it was kept, so the end of its input does not end it
        await end.within(END_WITHIN_MS, name);
      })()),
    async keep() {
      await link.request({ op: 'keep' }, parseNothing);
      link.close();
      for (const stream of [launcher.stdin, launcher.stdout, launcher.stderr]) stream.destroy(); // they would hold the lab up
      launcher.unref();
    },
  };
}

/** How a launcher came to its end: what it said last, and its exit code. */
function watchEnd(launcher: ChildProcessWithoutNullStreams) {
  let said = '';
  launcher.stderr.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-4000)));
  const why = new Promise<string>((resolve) => {
    launcher.once('error', (error) => resolve(error.message));
    launcher.once('close', (exitCode, signal) => {
      const lastLines = said.trim().split('\n').slice(-10).join('\n');
      resolve(lastLines === '' ? `its launcher ended with ${signal ?? exitCode}` : lastLines);
    });
  });
  const exited = new Promise<number | null>((resolve) => launcher.once('exit', resolve));
  return {
    why,
    /** Waits for a clean end; one that does not come is forced, and left for a sweep to tidy. */
    async within(timeoutMs: number, name: string): Promise<void> {
      const timer = setTimeout(() => launcher.kill('SIGKILL'), timeoutMs);
      const exitCode = await exited;
      clearTimeout(timer);
      if (exitCode !== 0) throw new LabError(`node ${name} did not end cleanly: ${await why}`);
    },
  };
}

async function recordOf(stateHostPath: string, name: string): Promise<NodeRecord> {
  const record = (await readRecords(stateHostPath)).find((one) => one.name === name);
  if (record === undefined) throw new LabError(`there is no node named ${name}`);
  return record;
}

async function enterBareNode(
  { agent, initPid }: NodeRecord,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const command = argv.length === 0 ? [existsSync('/bin/bash') ? 'bash' : 'sh'] : argv;
  const child = spawn(agent, ['enter', '--pid', String(initPid), '--', ...command], {
    stdio: [terminal.input, terminal.output, terminal.error],
  });
  terminal.onSignal((signal) => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (exitCode, signal) =>
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

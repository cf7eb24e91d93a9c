import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import type { OwnName } from '../../lab/artifacts/artifacts.ts';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { createBackends, prepareBackend } from '../../lab/assembly/backends.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import { preparePlan } from '../../lab/assembly/plan-files.ts';
import { labImages, refsOf } from '../../lab/assembly/run-parts.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { Outcome } from '../../lab/judge/verdict.ts';
import type { BackendName, NodeMaker, RunningNode } from '../../lab/nodes/node.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { runSession } from '../../lab/session.ts';
import { qemuForTests } from './qemu.ts';

/** A virtual machine that has what the bare nodes of some runs need, as the cache of a host has. */
export interface MachineWithNodes extends AsyncDisposable {
  readonly machine: RunningNode;
  readonly runs: readonly RunPlan[];
  /** what bare nodes on the machine have at /lab/artifacts, read-only */
  readonly cachePath: string;
  readonly own: (name: OwnName) => Promise<Artifact>;
  /**
   * Takes these of the runs, each on a bare node on the machine, and records them below a folder that only they use.
   */
  run(runs: readonly RunPlan[], outputHostPath: string): Promise<Outcome>;
}

/**
 * Bare nodes on another machine than this one, made there by the lab's launcher. What a node can affect beyond itself
 * is then that machine. It has only cgroups v2. `folder` belongs to the test.
 */
export async function machineWithNodes(scenario: string, folder: string): Promise<MachineWithNodes> {
  const ambient = ambientWorld();
  const world = { ...ambient, env: { ...ambient.env, CNILAB_QEMU: await qemuForTests() } };
  const { signal } = new AbortController();
  const emit = () => undefined;
  const pins = readPins(world);
  const artifacts = openArtifacts(world, { pins, flags: {}, emit });
  const flags = { backend: 'bare' } as const;
  const plan = await preparePlan(world, { names: [scenario], flags, pins, note: emit });
  const store = await artifacts.ensureEach(refsOf(plan), signal);
  const components = refsOf(plan).map(store.artifact);
  const { pause } = await labImages({ ...plan, containers: false }, artifacts, signal);

  const name = `test-machine-${process.pid}`;
  const makerOf = (backend: BackendName, own: (name: OwnName) => Promise<Artifact>): Promise<NodeMaker> => {
    const found = createBackends(world).find((one) => one.name === backend);
    if (found === undefined) throw new Error(`there is no backend ${backend}`);
    const all = { ...artifacts, ensureOwn: own };
    return prepareBackend(found, { artifacts: all, emit, signal, mayBeKept: false });
  };
  // The launcher is the machine's own agent. Its streams go through a port of the machine.
  const nodeTools = await artifacts.ensureOwn('node-tools', signal);
  const reached = join(folder, 'node-tools');
  mkdirSync(join(reached, 'bin'), { recursive: true });
  const port = join(world.stateHostPath, 'vm-nodes', name);
  writeFileSync(
    join(reached, 'bin/agent'),
    `#!/bin/sh\nexec ${nodeTools.hostPath}/bin/agent session --folder ${port} -- /lab/bin/agent "$@"\n`,
  );
  chmodSync(join(reached, 'bin/agent'), 0o755);
  const { seesCache: _, ...nodes } = await makerOf('bare', async (own) =>
    own === 'node-tools' ? { ...nodeTools, hostPath: reached } : artifacts.ensureOwn(own, signal),
  );
  const machines = await makerOf('vm', (own) => artifacts.ensureOwn(own, signal));

  const layers = nodes.artifacts.filter((artifact) => artifact.name !== 'node-tools');
  const machine = await machines.start({ name, artifacts: [...components, pause, ...layers] });
  const cachePath = join(world.cacheHostPath, 'artifacts');
  const over = 'upperdir=/run/cache/upper,workdir=/run/cache/work';
  const setUp = `mkdir -p "$0" /run/cache/upper /run/cache/work && mount -t overlay cache -o lowerdir=/lab/artifacts,${over} "$0"`;
  const { exitCode, stderr } = await machine.exec(['sh', '-c', setUp, cachePath]);
  if (exitCode !== 0) throw new Error(`the machine has no cache: ${stderr}`);

  return {
    machine,
    runs: plan.runs,
    cachePath,
    own: (own) => artifacts.ensureOwn(own, signal),
    run: (runs, outputHostPath) =>
      runSession({
        plan: { ...plan, runs },
        backend: 'bare',
        maker: Promise.resolve({ ...nodes, emulated: true }),
        artifacts,
        kind: { component: 'kind', version: '0.33.0' },
        runtimes: RUNTIMES,
        sessionId: basename(outputHostPath),
        outputHostPath,
        jobs: 2, // the machine has two ports
        clusterNodes: Infinity,
        keep: false,
        retries: 0,
        maxFailures: Infinity,
        failOnFlaky: false,
        clock: world.clock,
        labVersion: world.labVersion,
        host: {},
        signal,
        emit,
      }),
    async [Symbol.asyncDispose]() {
      await machine.end();
      await Promise.all([machines.end(), nodes.end()]);
    },
  };
}

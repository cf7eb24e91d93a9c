import { existsSync, lstatSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import { fanOut } from '../report/fan-out.ts';
import type { Plan } from '../plan/plan.ts';
import { worst } from '../judge/verdict.ts';
import { runSession } from '../session.ts';
import { hostFacts } from '../host/facts.ts';
import { chooseBackend, openArtifacts, readPins, sweepHost } from './lab-parts.ts';
import { preparePlan } from './prepare.ts';
import type { RunFlags } from './program.ts';
import { createReporters } from './reporters.ts';
import { EXIT, type World } from './world.ts';

/** `cnilab run`: plan, runs, reports; the worst outcome is the exit code. */
export async function runCommand(world: World, names: readonly string[], flags: RunFlags): Promise<number> {
  if (names.length === 0)
    throw new BadInput('name a scenario, a file, a folder or a glob; `cnilab list` shows what there is');
  const pins = readPins(world);
  const plan = withTimeout(await preparePlan(world, { names, flags, pins }), flags.timeout);
  const reporters = fanOut(await createReporters(world, flags));
  const backend = await chooseBackend(world);
  const artifacts = openArtifacts(world, { pins, flags, emit: reporters.emit });
  for (const message of await sweepHost({ backend, artifacts })) reporters.emit({ kind: 'notice', message });

  const interruption = new AbortController();
  let interruptedBy: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined;
  world.onSignal((signal) => {
    if (interruptedBy !== undefined) world.exitNow(EXIT[signal]);
    interruptedBy = signal;
    reporters.emit({ kind: 'interrupted', by: signal });
    interruption.abort(signal);
  });

  const sessionId = world.randomId();
  const time = new Date(world.clock.now()).toISOString().slice(0, 19).replaceAll(':', '');
  const outputHostPath = join(resolve(world.cwd, flags.output), `${time}-${sessionId}`);
  try {
    const outcome = await runSession({
      plan,
      backend,
      artifacts,
      sessionId,
      outputHostPath,
      jobs: flags.jobs ?? world.cores,
      keep: flags.keep === true,
      clock: world.clock,
      labVersion: world.labVersion,
      host: await hostFacts(),
      signal: interruption.signal,
      emit: reporters.emit,
    });
    const reported = await reporters.end();
    if (interruptedBy !== undefined) return EXIT[interruptedBy];
    return EXIT[reported ? outcome : worst([outcome, 'inconclusive'])];
  } catch (thrown) {
    await reporters.end();
    if (interruptedBy !== undefined) return EXIT[interruptedBy];
    throw thrown;
  } finally {
    pointLatestAt(outputHostPath);
  }
}

function withTimeout(plan: Plan, seconds: number | undefined): Plan {
  if (seconds === undefined) return plan;
  return {
    ...plan,
    runs: plan.runs.map((run) => ({
      ...run,
      steps: run.steps.map((step) => ({ ...step, timeoutMs: seconds * 1000 })),
    })),
  };
}

/** `.cnilab/latest` always leads to the newest session. */
function pointLatestAt(outputHostPath: string): void {
  if (!existsSync(outputHostPath)) return;
  const latest = join(outputHostPath, '../latest');
  if (lstatSync(latest, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(latest);
  if (!existsSync(latest)) symlinkSync(basename(outputHostPath), latest);
}

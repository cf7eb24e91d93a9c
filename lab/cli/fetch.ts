import { count } from '../core/amounts.ts';
import { fanOut } from '../report/reporter.ts';
import { labImages, refsOf } from '../assembly/run-parts.ts';
import { prepareBackend } from '../assembly/backends.ts';
import { listenForInterruption } from './interruption.ts';
import { backendToPrepare } from '../assembly/backends.ts';
import { openArtifacts, readPins } from '../assembly/open-artifacts.ts';
import { selectPlan } from '../assembly/selection.ts';
import type { NodeFlags, TitleFlags, World } from '../assembly/world.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';

/** `cnilab fetch`: adds everything that these scenarios need to the cache. `run --offline` then needs nothing else. */
export async function fetchCommand(
  world: World,
  names: readonly string[],
  flags: NodeFlags & TitleFlags,
): Promise<number> {
  const pins = readPins(world);
  const plan = await selectPlan(world, { names, flags, pins, note: () => undefined });
  const reporters = fanOut(await createReporters(world, {}));
  const { backend, arch } = await backendToPrepare(world, flags);
  const artifacts = openArtifacts(world, { pins, flags, emit: reporters.emit, arch });
  const interruption = listenForInterruption(world, (by) => reporters.emit({ kind: 'interrupted', by }));
  const { signal } = interruption;
  try {
    await artifacts.ensureAll(refsOf(plan), signal);
    await labImages(plan, artifacts, signal);
    await prepareBackend(backend, { artifacts, signal, mayBeKept: false, emit: reporters.emit });
  } catch (thrown) {
    const exitCode = interruption.exitCode();
    if (exitCode === undefined) throw thrown;
    return exitCode;
  } finally {
    await reporters.end();
  }
  world.out.write(`everything for ${count(plan.runs.length, 'run')} is in ${world.cacheHostPath}\n`);
  return EXIT.pass;
}

import { BadInput, LabError } from '../core/lab-error.ts';
import { judge } from '../judge/judge.ts';
import { differences, type RecordedRun } from '../judge/parity.ts';
import type { BackendName } from '../nodes/node.ts';
import type { RunPlan } from '../plan/plan.ts';
import { byScenario } from '../report/collector.ts';
import { count } from '../core/amounts.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import { createBackends } from '../assembly/backends.ts';
import { readPins } from '../assembly/open-artifacts.ts';
import { readRecorded } from '../assembly/recorded.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import { selectPlan } from '../assembly/selection.ts';
import { runRecorded } from './run.ts';
import { EXIT } from './exit-codes.ts';

export interface ParityFlags extends RunFlags {
  /** number of cells of each scenario, of those that are selected; if missing, all */
  readonly sample?: number;
  /** only these backends, if they work here */
  readonly only?: readonly BackendName[];
}

/**
 * `cnilab parity`: runs the same scenarios on every backend that works here, and compares what they showed. Exit code 1
 * if some run differed, 69 if there is nothing to compare.
 */
export async function parityCommand(
  world: World,
  names: readonly string[],
  flags: ParityFlags,
): Promise<number> {
  if (flags.backend !== 'auto')
    throw new BadInput(
      'parity runs on every backend that works here; --only bare --only vm names some of them',
    );
  const whole = await selectPlan(world, {
    names,
    flags,
    pins: readPins(world),
    note: (message) => world.err.write(`${message}\n`),
  });
  if (whole.runs.length === 0) return EXIT.pass;
  const plan = flags.sample === undefined ? whole : { ...whole, runs: sampleOf(whole.runs, flags.sample) };
  const working = await workingBackends(world);
  const [reference, ...others] = working.filter((name) => flags.only?.includes(name) ?? true);
  if (reference === undefined || others.length === 0)
    throw new LabError(
      `one backend is nothing to compare${reference === undefined ? '' : `, and only ${reference} works here`}; \`cnilab doctor\` shows what the others need`,
    );

  const recorded = new Map<BackendName, ReadonlyMap<string, RecordedRun>>();
  for (const backend of [reference, ...others]) {
    const { exitCode, outputHostPath } = await runRecorded(
      world,
      names,
      { ...flags, backend },
      { plan: async () => plan },
    );
    if (exitCode >= EXIT.SIGHUP || outputHostPath === undefined) return exitCode;
    recorded.set(backend, runsIn(outputHostPath, backend));
  }

  let different = 0;
  for (const [slug, here] of recorded.get(reference) ?? []) {
    const lines = others.flatMap((backend) => {
      const there = recorded.get(backend)?.get(slug);
      return there === undefined ? [`it was not run on ${backend}`] : differences(here, there);
    });
    if (lines.length > 0) different += 1;
    for (const line of lines.length === 0 ? [] : [slug, ...lines.map((text) => `  ${text}`)])
      world.out.write(`${line}\n`);
  }
  const runs = recorded.get(reference)?.size ?? 0;
  world.out.write(
    `${count(runs, 'run')} on ${[reference, ...others].join(', ')}: ${different === 0 ? 'all showed the same' : `${different} did not show the same everywhere`}\n`,
  );
  return different === 0 ? EXIT.pass : EXIT.fail;
}

/**
 * This many cells of each scenario, at equal distances. Each scenario starts at another cell, so that a small sample
 * still contains all versions.
 */
export function sampleOf(runs: readonly RunPlan[], size: number): readonly RunPlan[] {
  return byScenario(runs).flatMap(({ runs: cells }, scenario) => {
    const wanted = Math.min(size, cells.length);
    const indexes = Array.from(
      { length: wanted },
      (_, index) => (scenario + Math.floor((index * cells.length) / wanted)) % cells.length,
    );
    return cells.filter((_, index) => indexes.includes(index));
  });
}

async function workingBackends(world: World): Promise<readonly BackendName[]> {
  const checks = createBackends(world).map(async (backend) => ({
    name: backend.name,
    works: (await backend.check()).works,
  }));
  return (await Promise.all(checks)).filter(({ works }) => works).map(({ name }) => name);
}

function runsIn(outputHostPath: string, on: BackendName): ReadonlyMap<string, RecordedRun> {
  return new Map(
    readRecorded(outputHostPath).map(({ run, entries }) => [
      run.slug,
      { on, entries, verdict: judge(run, entries, RUNTIMES) },
    ]),
  );
}

import { join } from 'node:path';

import { expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { preparePlan } from '../../lab/assembly/plan-files.ts';
import { readRecorded } from '../../lab/assembly/recorded.ts';
import { runRecorded } from '../../lab/cli/run.ts';
import { judge } from '../rig/judged.ts';
import { mutantsOf } from '../rig/mutants.ts';
import { scratchFolder } from '../rig/scratch.ts';

const output = scratchFolder();
const SAMPLE = 24;
/** CNILAB_SEED repeats the sample of an earlier test. */
const seed = Number(process.env['CNILAB_SEED'] ?? Date.now() % 1_000_000);

/** Numbers from 0 to 1, excluding 1. The same seed gives the same numbers (mulberry32). */
function random(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// scenarios.test.ts shows from recorded journals that all of them fail. Here a few of them run on real nodes.
test(`a random sample of changed expectations fails on real nodes (CNILAB_SEED=${seed})`, async () => {
  const world = ambientWorld();
  const flags = { backend: 'bare', output } as const;
  const { runs } = await preparePlan(world, {
    names: [],
    flags,
    pins: readPins(world),
    note: () => undefined,
  });
  const scenarios = runs.filter(({ control }) => control === undefined);
  const next = random(seed);
  const oneOf = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T;
  const mutants = Array.from({ length: SAMPLE }, (_, index) => {
    const { run, ...mutant } = oneOf(mutantsOf(oneOf(scenarios)));
    return { ...mutant, run: { ...run, slug: `${index}.${run.slug}` } };
  });
  const plan = async () => ({ formatVersion: 3, runs: mutants.map(({ run }) => run) }) as const;
  const { exitCode, outputHostPath = join(output, 'nothing was run') } = await runRecorded(world, [], flags, {
    plan,
    reporters: [],
  });
  const recorded = new Map(readRecorded(outputHostPath).map((one) => [one.run.slug, one]));
  const quiet = mutants.flatMap(({ run, stepId, check, change }) => {
    const one = recorded.get(run.slug);
    const findings = one === undefined ? [] : judge(run, one.entries).findings;
    const rang = findings.some(
      (finding) => finding.outcome === 'fail' && finding.check === check && finding.stepId === stepId,
    );
    return rang ? [] : [`${run.title} ${stepId}: ${change}`];
  });
  expect({ quiet, exitCode }).toEqual({ quiet: [], exitCode: 1 });
});

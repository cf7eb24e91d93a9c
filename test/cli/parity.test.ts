import { expect, test } from 'vitest';

import { sampleOf } from '../../lab/cli/parity.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { planned } from '../rig/recorded-run.ts';

const cells = (name: string, count: number): readonly RunPlan[] =>
  Array.from({ length: count }, (_, index) => {
    const run = planned({ title: `${name} ${index}`, steps: [] });
    return { ...run, slug: `${name}-${index}`, scenario: { ...run.scenario, name } };
  });
const sampled = (runs: readonly RunPlan[], size: number) => sampleOf(runs, size).map(({ slug }) => slug);

test('a sample has a number of cells from each scenario, and begins at a different cell in each', () => {
  const runs = [...cells('a', 5), ...cells('b', 5), ...cells('c', 2), ...cells('d', 1)];
  expect(sampled(runs, 1)).toEqual(['a-0', 'b-1', 'c-0', 'd-0']);
  expect(sampled(runs, 2)).toEqual(['a-0', 'a-2', 'b-1', 'b-3', 'c-0', 'c-1', 'd-0']);
  expect(sampleOf(runs, 9)).toEqual(runs);
});

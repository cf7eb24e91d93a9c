import type { Diagnostic } from '../spec/diagnostic.ts';
import { LIMITS, cellCount, tooManyCells } from '../spec/limits.ts';
import type { Scenario } from '../spec/scenario.ts';
import { mistakeAt } from '../spec/source-at.ts';
import { axesOf, type CellOptions } from './cells.ts';

/** A plan that would be too large to make, of the file alone or with what the command line adds to it. */
export function checkSize(scenario: Scenario, options: CellOptions): Diagnostic | undefined {
  const cells = cellCount(axesOf(scenario, options).axes);
  const steps = scenario.steps.length;
  if (cells <= LIMITS.cells && cells * steps <= LIMITS.plannedSteps) return undefined;
  const message =
    cells > LIMITS.cells
      ? tooManyCells(cells)
      : `${cells} runs of ${steps} steps are ${cells * steps} steps; a scenario has at most ${LIMITS.plannedSteps}`;
  return mistakeAt(scenario.place, { text: scenario.text, message });
}

import { shown } from '../core/content.ts';
import type { Outcome } from '../judge/verdict.ts';
import { nameValue } from '../plan/cells.ts';

/** One cell of a scenario's matrix and what came of it. */
export interface CellResult {
  /** axis → value */
  readonly cell: Readonly<Record<string, string>>;
  readonly outcome: Outcome | 'not run';
}

export interface TableOptions {
  readonly columns: number;
  /** colours a padded word by what it says */
  readonly paint: (outcome: CellResult['outcome'], padded: string) => string;
}

/**
 * The matrix of one scenario: its last axis from left to right, the others one row for each combination. Where that is
 * wider than the terminal, the last axis goes downwards too.
 */
export function matrixTable(
  cells: readonly CellResult[],
  { columns, paint }: TableOptions,
): readonly string[] {
  const results = cells.map(({ cell, outcome }) => ({
    cell: Object.fromEntries(
      Object.entries(cell).map(([axis, value]) => [shown(axis), shown(nameValue(value))]),
    ),
    outcome,
  }));
  const axes = Object.keys(results[0]?.cell ?? {});
  const across = axes.at(-1);
  if (across === undefined) return [];
  const wide = draw(results, { rowAxes: axes.slice(0, -1), across, paint });
  const width = Math.max(...wide.map(({ width }) => width));
  const lines = width <= columns ? wide : draw(results, { rowAxes: axes, across: undefined, paint });
  return lines.map(({ text }) => text);
}

interface Line {
  readonly text: string;
  /** without colours */
  readonly width: number;
}

interface Shape {
  readonly rowAxes: readonly string[];
  readonly across: string | undefined;
  readonly paint: TableOptions['paint'];
}

function draw(results: readonly CellResult[], { rowAxes, across, paint }: Shape): readonly Line[] {
  const headings = across === undefined ? [''] : distinct(results.map(({ cell }) => cell[across] ?? ''));
  const axisWidth = (axis: string) =>
    Math.max(axis.length, ...results.map(({ cell }) => (cell[axis] ?? '').length));
  const rowOf = ({ cell }: CellResult) =>
    rowAxes.map((axis) => (cell[axis] ?? '').padEnd(axisWidth(axis))).join('  ');
  const label = [
    ...rowAxes.map((axis) => axis.padEnd(axisWidth(axis))),
    ...(across === undefined ? [] : [across]),
  ].join('  ');
  const rows = distinct(results.map(rowOf));
  const labelWidth = Math.max(label.length, ...rows.map((row) => row.length));
  const outcomeAt = (row: string, heading: string): CellResult['outcome'] | undefined =>
    results.find(
      (result) => rowOf(result) === row && (across === undefined || result.cell[across] === heading),
    )?.outcome;
  const widths = headings.map((heading) =>
    Math.max(heading.length, ...rows.map((row) => outcomeAt(row, heading)?.length ?? 0)),
  );
  const width = 2 + labelWidth + widths.reduce((sum, one) => sum + 2 + one, 0);

  const head = [label.padEnd(labelWidth), ...headings.map((text, index) => text.padEnd(widths[index] ?? 0))];
  const body = rows.map((row) => [
    row.padEnd(labelWidth),
    ...headings.map((heading, index) => {
      const outcome = outcomeAt(row, heading);
      const padded = (outcome ?? '').padEnd(widths[index] ?? 0);
      return outcome === undefined ? padded : paint(outcome, padded);
    }),
  ]);
  return [head, ...body].map((cells) => ({ text: `  ${cells.join('  ')}`.trimEnd(), width }));
}

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

import { DEFAULT_RUNTIME, type RuntimeRef } from '../core/components.ts';
import { shown } from '../core/content.ts';
import type { Outcome } from '../judge/verdict.ts';
import { nameValue } from '../plan/cells.ts';

/** One cell of the matrix of a scenario, and its outcome. */
export interface CellResult {
  /** axis → value */
  readonly cell: Readonly<Record<string, string>>;
  readonly outcome: Outcome | 'not run';
}

export interface TableOptions {
  readonly columns: number;
  /** adds a colour to a padded word according to the outcome */
  readonly paint: (outcome: CellResult['outcome'], padded: string) => string;
}

/**
 * The matrix of one scenario, with one table for the cells of each runtime. The last axis goes from left to right; the
 * others have one row for each combination. What is wider than the terminal continues in another table. If that takes
 * more lines than a line for each cell, the last axis goes from top to bottom too.
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
  const axesOf = ({ cell }: CellResult) => JSON.stringify(Object.keys(cell));
  return distinct(results.map(axesOf)).flatMap((axes) =>
    oneTable(
      results.filter((result) => axesOf(result) === axes),
      { columns, paint },
    ),
  );
}

/** A table of cells that all have these axes. */
function oneTable(results: readonly CellResult[], { columns, paint }: TableOptions): readonly string[] {
  const axes = Object.keys(results[0]?.cell ?? {});
  const across = axes.at(-1);
  if (across === undefined) return [];
  const parts = partsThatFit(results, { rowAxes: axes.slice(0, -1), across, paint, columns });
  const wide = parts.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
  const long = textsOf(draw(results, { rowAxes: axes, across: undefined, paint }));
  return parts.length > 0 && (parts.length === 1 || wide.length < long.length) ? wide : long;
}

const textsOf = (lines: readonly Line[]): readonly string[] => lines.map(({ text }) => text);

/** Tables with as many values of the last axis as fit next to each other. Empty if not even one fits. */
function partsThatFit(
  results: readonly CellResult[],
  { columns, across, ...shape }: Shape & { readonly across: string; readonly columns: number },
): readonly (readonly string[])[] {
  const parts: (readonly string[])[] = [];
  let left = distinct(results.map(({ cell }) => cell[across] ?? ''));
  while (left.length > 0) {
    let fitting = 0;
    let lines: readonly Line[] = [];
    while (fitting < left.length) {
      const headings = left.slice(0, fitting + 1);
      const wider = draw(
        results.filter(({ cell }) => headings.includes(cell[across] ?? '')),
        { ...shape, across },
      );
      if (Math.max(...wider.map(({ width }) => width)) > columns) break;
      lines = wider;
      fitting += 1;
    }
    if (fitting === 0) return [];
    parts.push(textsOf(lines));
    left = left.slice(fitting);
  }
  return parts;
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
  const axisWidths = new Map(
    rowAxes.map((axis) => [
      axis,
      Math.max(
        axis.length,
        ...distinct(results.map(({ cell }) => cell[axis] ?? '')).map(({ length }) => length),
      ),
    ]),
  );
  const padAxis = (axis: string, text: string) => text.padEnd(axisWidths.get(axis) ?? 0);
  const rowOf = ({ cell }: CellResult) => rowAxes.map((axis) => padAxis(axis, cell[axis] ?? '')).join('  ');
  const label = [
    ...rowAxes.map((axis) => padAxis(axis, axis)),
    ...(across === undefined ? [] : [across]),
  ].join('  ');
  const rows = distinct(results.map(rowOf));
  const labelWidth = Math.max(label.length, ...rows.map((row) => row.length));
  const headingAt = ({ cell }: CellResult) => (across === undefined ? '' : (cell[across] ?? ''));
  const outcomeAt = worstAt(results.map((result) => [rowOf(result), headingAt(result), result.outcome]));
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

/** The worst outcome of all results in the same place of a table. */
function worstAt(
  results: readonly (readonly [row: string, heading: string, outcome: CellResult['outcome']])[],
): (row: string, heading: string) => CellResult['outcome'] | undefined {
  const rows = new Map<string, Map<string, CellResult['outcome']>>();
  for (const [row, heading, outcome] of results) {
    const own = rows.get(row) ?? new Map<string, CellResult['outcome']>();
    const before = own.get(heading);
    rows.set(row, own.set(heading, WORST_FIRST.find((one) => one === before || one === outcome) ?? outcome));
  }
  return (row, heading) => rows.get(row)?.get(heading);
}

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** One run in a table of many scenarios. Its column is the version of its runtime. */
export interface OverviewRun {
  readonly scenario: string;
  /** in the form of `nameRuntime` */
  readonly version: string;
  readonly outcome: CellResult['outcome'];
}

/** A runtime as a column header: `1.6.3`. A runtime that is not the default includes its name: `crio 1.34.0`. */
export function nameRuntime(
  runtime: Pick<RuntimeRef, 'component' | 'version'> | undefined,
  version = runtime?.version ?? '',
): string {
  return runtime === undefined || runtime.component === DEFAULT_RUNTIME
    ? version
    : `${runtime.component} ${version}`;
}

const MARKS: Readonly<Record<CellResult['outcome'], string>> = {
  pass: '.',
  fail: 'F',
  inconclusive: '?',
  'not run': '-',
};
const WORST_FIRST: readonly CellResult['outcome'][] = ['fail', 'inconclusive', 'not run', 'pass'];
const LONGEST_NAME = 30;

/**
 * All scenarios from top to bottom and the versions of the runtime from left to right, with one character for each
 * pair. Several runs are shown as their worst outcome. Versions are grouped by major.minor, with the rest of each
 * version written vertically below it. What is wider than the terminal continues in another table.
 */
export function overviewTable(
  runs: readonly OverviewRun[],
  { columns, paint }: TableOptions,
): readonly string[] {
  const names = distinct(runs.map(({ scenario }) => scenario));
  const nameWidth = Math.min(LONGEST_NAME, Math.max(0, ...names.map((name) => shown(name).length)));
  const outcomeOf = worstAt(runs.map(({ scenario, version, outcome }) => [scenario, version, outcome]));
  const groups = groupsOf(distinct(runs.map(({ version }) => version)));
  const tables = inRows(groups, columns - nameWidth).map((row) => {
    const own = names.filter((name) =>
      row.some(({ versions }) => versions.some((version) => outcomeOf(name, version) !== undefined)),
    );
    return [
      ...headingOf(row).map((line) => `${' '.repeat(nameWidth)}${line}`.trimEnd()),
      ...own.map((name) => {
        const cells = row.map((group) => {
          const marks = group.versions.map((version) => {
            const outcome = outcomeOf(name, version);
            return outcome === undefined ? '  ' : ` ${paint(outcome, MARKS[outcome])}`;
          });
          return ` ${marks.join('')}${' '.repeat(group.width - 1 - group.versions.length * 2)}`;
        });
        return `${cutName(shown(name)).padEnd(nameWidth)}${cells.join('')}`.trimEnd();
      }),
    ];
  });
  const legend = WORST_FIRST.toReversed()
    .filter((outcome) => runs.some((run) => run.outcome === outcome))
    .map((outcome) => `${MARKS[outcome]} ${outcome}`)
    .join('   ');
  return [...tables.flatMap((table, index) => (index === 0 ? table : ['', ...table])), '', legend];
}

const cutName = (name: string): string =>
  name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;

/** The versions with the same major.minor. */
interface VersionGroup {
  readonly minor: string;
  readonly versions: readonly string[];
  /** with a space before it */
  readonly width: number;
}

function groupsOf(versions: readonly string[]): readonly VersionGroup[] {
  const sorted = [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return distinct(sorted.map(minorOf)).map((minor) => {
    const own = sorted.filter((version) => minorOf(version) === minor);
    return { minor, versions: own, width: 1 + Math.max(own.length * 2, minor.length + 1) };
  });
}

const minorOf = (version: string): string => /^(?:[a-z]+ )?\d+\.\d+/.exec(version)?.[0] ?? version;

/** Puts groups that fit next to each other into rows. */
function inRows(groups: readonly VersionGroup[], columns: number): readonly (readonly VersionGroup[])[] {
  const rows: VersionGroup[][] = [];
  let left = 0;
  for (const group of groups) {
    if (group.width > left || rows.length === 0) {
      rows.push([]);
      left = columns;
    }
    rows.at(-1)?.push(group);
    left -= group.width;
  }
  return rows;
}

/** Minor versions in one line, and below each of them the rest of its versions, from top to bottom. */
function headingOf(row: readonly VersionGroup[]): readonly string[] {
  const rest = (version: string) => version.slice(minorOf(version).length).replace(/^\./, '');
  const height = Math.max(0, ...row.flatMap(({ versions }) => versions.map((one) => rest(one).length)));
  const lines = Array.from({ length: height }, (_, line) =>
    row
      .map(({ versions, width }) =>
        ` ${versions.map((one) => ` ${rest(one).padStart(height)[line] ?? ' '}`).join('')}`.padEnd(width),
      )
      .join(''),
  );
  return [row.map(({ minor, width }) => `  ${minor}`.padEnd(width)).join(''), ...lines];
}

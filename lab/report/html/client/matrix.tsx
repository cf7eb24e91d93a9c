import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { RowOutcome, RunRow } from './data.ts';
import { classOf, Gap, LETTERS, runHref, useRows } from './parts.tsx';
import type { Report } from './read.ts';

const ROW_HEIGHT = 29;
const WORST_FIRST: readonly RowOutcome[] = ['fail', 'inconclusive', 'not run', 'flaky', 'pass'];

interface Row {
  readonly label: string;
  readonly rest: string;
  /** by column */
  readonly cells: ReadonlyMap<number, readonly RunRow[]>;
}

/** A row for each scenario and each combination of its other axes. */
export function rowsOf({ scenarios }: Report, runs: readonly RunRow[]): readonly Row[] {
  const rows = new Map<string, { label: string; rest: string; cells: Map<number, RunRow[]> }>();
  for (const run of runs) {
    const key = `${run.scenario} ${run.rest}`;
    const row = rows.get(key) ?? {
      label: scenarios[run.scenario]?.name ?? '',
      rest: run.rest,
      cells: new Map<number, RunRow[]>(),
    };
    rows.set(key, row);
    const cell = row.cells.get(run.version);
    if (cell === undefined) row.cells.set(run.version, [run]);
    else cell.push(run);
  }
  return [...rows.values()];
}

/**
 * Scenarios from top to bottom and versions of the runtime from left to right, with a letter and a colour for each run.
 * The table is a single stop of the Tab key. The arrow keys move from cell to cell.
 */
export function Matrix({ report, runs }: { readonly report: Report; readonly runs: readonly RunRow[] }) {
  // not again for each scroll position, because there may be 100,000 runs
  const { rows, columns, groups } = useMemo(() => {
    const columns = [...new Set(runs.map(({ version }) => version))].sort((a, b) => a - b);
    const groups = minorsOf(columns.map((version) => report.versions[version] ?? ''));
    return { rows: rowsOf(report, runs), columns, groups };
  }, [report, runs]);
  const { scroller, from, to, isLong, show, before, after } = useRows({
    total: rows.length,
    rowHeight: ROW_HEIGHT,
  });
  const [at, setAt] = useState<readonly [row: number, column: number]>([0, 0]);
  const isMoving = useRef(false);
  const current = currentCell(rows, columns, at);

  useEffect(() => {
    if (!isMoving.current) return;
    isMoving.current = false;
    scroller.current?.querySelector<HTMLElement>('a[tabindex="0"]')?.focus();
  });
  const move = (event: KeyboardEvent): void => {
    const next = nextCell(rows, columns, { from: current, key: event.key });
    if (next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    isMoving.current = true;
    show(next[0]);
    setAt(next);
  };

  return (
    <div class={`scroller ${isLong ? 'is-long' : ''}`} ref={scroller}>
      <table class="matrix" aria-rowcount={rows.length + 2} onKeyDown={move}>
        <caption class="hidden">
          Outcome of each scenario with each version. In the table, the arrow keys go from run to run.
        </caption>
        <thead>
          <tr>
            <td />
            {groups.map(({ minor, size }) => (
              <th scope="colgroup" colSpan={size} key={minor}>
                {minor}
              </th>
            ))}
          </tr>
          <tr>
            <th scope="col">scenario</th>
            {columns.map((version) => (
              <th scope="col" class="version" key={version}>
                <span>{report.versions[version]}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap height={before} columns={columns.length + 1} />
          {rows.slice(from, to).map((row, index) => (
            <tr key={`${row.label} ${row.rest}`} aria-rowindex={from + index + 3}>
              <th scope="row" title={`${row.label} ${row.rest}`}>
                {row.label} {row.rest === '' ? null : <small>{row.rest}</small>}
              </th>
              {columns.map((version, column) => (
                <td key={version}>
                  <CellLink
                    cell={row.cells.get(version)}
                    isCurrent={current[0] === from + index && current[1] === column}
                    version={report.versions[version] ?? ''}
                    row={row}
                  />
                </td>
              ))}
            </tr>
          ))}
          <Gap height={after} columns={columns.length + 1} />
        </tbody>
      </table>
    </div>
  );
}

function CellLink({
  cell,
  isCurrent,
  version,
  row,
}: {
  readonly cell: readonly RunRow[] | undefined;
  readonly isCurrent: boolean;
  readonly version: string;
  readonly row: Row;
}) {
  if (cell === undefined) return null;
  const worst = WORST_FIRST.flatMap((outcome) => cell.find((run) => run.outcome === outcome) ?? [])[0];
  if (worst === undefined) return null;
  const more = cell.length > 1 ? `, the worst of ${cell.length} runs` : '';
  const label = `${row.label} ${row.rest} ${version}: ${worst.outcome}${more}`;
  return (
    <a
      href={runHref(worst)}
      data-run={worst.slug}
      class={classOf(worst.outcome)}
      aria-label={label}
      title={label}
      tabIndex={isCurrent ? 0 : -1}
    >
      {LETTERS[worst.outcome]}
      {cell.length > 1 ? <sup>{cell.length}</sup> : null}
    </a>
  );
}

type At = readonly [row: number, column: number];

/** The cell that Tab moves to: the one that last had the focus, or the first existing one. */
function currentCell(rows: readonly Row[], columns: readonly number[], at: At): At {
  const isThere = ([row, column]: At) => rows[row]?.cells.has(columns[column] ?? -1) === true;
  if (isThere(at)) return at;
  const row = rows[at[0]] === undefined ? 0 : at[0];
  return [
    row,
    Math.max(
      0,
      columns.findIndex((version) => rows[row]?.cells.has(version)),
    ),
  ];
}

/** The cell that a key leads to: the next existing cell in its direction. */
function nextCell(
  rows: readonly Row[],
  columns: readonly number[],
  { from, key }: { readonly from: At; readonly key: string },
): At | undefined {
  const ways: Readonly<Record<string, At>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  const way = ways[key];
  if (way === undefined) return undefined;
  for (
    let [row, column] = [from[0] + way[0], from[1] + way[1]];
    row >= 0 && row < rows.length && column >= 0 && column < columns.length;
    [row, column] = [row + way[0], column + way[1]]
  ) {
    if (rows[row]?.cells.has(columns[column] ?? -1)) return [row, column];
  }
  return undefined;
}

/** Adjacent versions with the same major.minor. */
function minorsOf(versions: readonly string[]): readonly { readonly minor: string; readonly size: number }[] {
  const groups: { minor: string; size: number }[] = [];
  for (const version of versions) {
    const minor = /\d+\.\d+/.exec(version)?.[0] ?? version;
    const last = groups.at(-1);
    if (last?.minor === minor) last.size += 1;
    else groups.push({ minor, size: 1 });
  }
  return groups;
}

import { createHash } from 'node:crypto';

import { shown } from '../core/content.ts';
import type { RunEnded } from '../events.ts';
import type { Outcome } from '../judge/verdict.ts';
import { compareRuns } from '../plan/cells.ts';
import { headOf, type RunHead } from '../plan/plan.ts';
import type { Place } from '../spec/diagnostic.ts';
import { scenarioKey } from './collector.ts';
import { glanceAt, glanceBlocks } from './glance.ts';
import type { Block } from './run-text.ts';

/** One result that several cells of a scenario have in common, so that it is reported in full only once. */
export interface Alike {
  /** as in the first of these runs */
  readonly lines: Block['lines'];
  readonly runs: readonly RunHead[];
}

/**
 * After this many different results, only the first line of each is kept, because no report has room for all of them.
 */
const KEPT_IN_FULL = 5000;

/**
 * Groups the same result in several cells of a scenario into one entry with a list of cells. Ids, times and logs may
 * differ.
 */
export class SeenBefore {
  readonly #alike = new Map<string, { readonly lines: Block['lines']; readonly runs: RunHead[] }>();

  /** Records that this run has the result. The first run that had it is the first in the list. */
  note(run: RunHead, { key, lines }: Block): Alike {
    const hash = createHash('sha256').update(key).digest('base64');
    const where = `${scenarioKey(run)}\0${hash}`;
    const kept = this.#alike.size < KEPT_IN_FULL ? lines : lines.slice(0, 1);
    const seen = this.#alike.get(where) ?? { lines: kept, runs: [] };
    seen.runs.push(run);
    this.#alike.set(where, seen);
    return seen;
  }

  /** The results that more than one run of this scenario has. */
  repeatedIn([first]: readonly RunHead[]): readonly Alike[] {
    if (first === undefined) return [];
    const prefix = `${scenarioKey(first)}\0`;
    return [...this.#alike].flatMap(([where, seen]) =>
      where.startsWith(prefix) && seen.runs.length > 1 ? [seen] : [],
    );
  }
}

/** One problem, in all cells of a scenario that have it. */
export interface Problem extends Alike {
  readonly outcome: Exclude<Outcome, 'pass'>;
  readonly scenario: RunHead['scenario'];
  /** of the expectation that does not hold, or of the scenario */
  readonly place: Place;
  /** how many problems of the same run come before it; the first ones usually explain the others */
  readonly rank: number;
  /** everything about the first of the runs */
  readonly outputHostPath: string;
}

/** Width of the shown part of two texts around their first difference, in reports that have no width of their own. */
export const REPORT_COLUMNS = 120;

/** All problems of a session, for reports that show the worst first. */
export class Problems {
  readonly #seen = new SeenBefore();
  readonly #problems = new Map<Alike, Problem>();

  add({ run, verdict, entries, outputHostPath }: RunEnded): void {
    const { outcome, findings } = verdict;
    if (outcome === 'pass') return;
    const head = headOf(run);
    const glance = glanceAt({ run, findings, outcome, entries, columns: REPORT_COLUMNS });
    glanceBlocks(glance).forEach((block, rank) => {
      const alike = this.#seen.note(head, block);
      if (this.#problems.has(alike)) return;
      const place = glance.problems[rank]?.at ?? run.scenario.place;
      const { scenario } = head;
      this.#problems.set(alike, { ...alike, outcome, scenario, place, rank, outputHostPath });
    });
  }

  /** The worst first: failures first, then the first problems of a run, then those in many cells. */
  ranked(): readonly Problem[] {
    const severity = ({ outcome }: Problem) => (outcome === 'fail' ? 0 : 1);
    return [...this.#problems.values()].sort(
      (a, b) => severity(a) - severity(b) || a.rank - b.rank || b.runs.length - a.runs.length,
    );
  }
}

/** The name of a cell: its values. The only cell of a scenario without a matrix has the name of the scenario. */
export const cellName = ({ title, scenario }: RunHead): string =>
  shown(title.startsWith(`${scenario.name} `) ? title.slice(scenario.name.length + 1) : title);

/** This many cells are listed by name. The others are only counted. */
const NAMED_CELLS = 40;

/**
 * A list of cells for people, in the order of the plan: `containerd=1.6.2, 1.6.3 and 12 more`. Values that all of them
 * have are named once: `containerd=1.6.2, 1.6.3, all with cni-plugins=0.9.1`.
 */
export function cellList(runs: readonly RunHead[], most = NAMED_CELLS): string {
  const sorted = [...runs].sort(compareRuns);
  const more = runs.length > most ? ` and ${runs.length - most} more` : '';
  const named = sorted.slice(0, most);
  const axis = onlyAxisThatVaries(sorted);
  if (axis === undefined) return `${named.map(cellName).join(', ')}${more}`;
  const values = named.map(({ cell }) => shown(cell[axis] ?? '')).join(', ');
  const common = Object.entries(sorted[0]?.cell ?? {}).flatMap(([name, value]) =>
    name === axis ? [] : [`${name}=${shown(value)}`],
  );
  return `${axis}=${values}${more}${common.length === 0 ? '' : `, all with ${common.join(' ')}`}`;
}

/** Undefined if several axes vary, if there is one run only, or if a title has more than the values of its cell. */
function onlyAxisThatVaries(runs: readonly RunHead[]): string | undefined {
  const [first] = runs;
  if (first === undefined || runs.length < 2) return undefined;
  const axes = Object.keys(first.cell);
  const isPlain = (run: RunHead): boolean =>
    cellName(run) === shown(axes.map((name) => `${name}=${run.cell[name] ?? ''}`).join(' ')) &&
    Object.keys(run.cell).length === axes.length;
  const varying = axes.filter((name) => runs.some(({ cell }) => cell[name] !== first.cell[name]));
  return varying.length === 1 && runs.every(isPlain) ? varying[0] : undefined;
}

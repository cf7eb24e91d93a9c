import type { Runtimes } from '../core/runtime.ts';
import { judge } from '../judge/judge.ts';
import type { Finding } from '../judge/verdict.ts';
import type { JournalEntry } from '../observe/observation.ts';
import { branchCellOf, endOf, type BranchCell } from '../plan/branches.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Place } from '../spec/diagnostic.ts';
import type { Expectation, Scenario } from '../spec/scenario.ts';
import { editScenario, type CellChanges, type SiteChanges } from './edit-scenario.ts';
import {
  measuredFromNothing,
  measuredFailures,
  withoutUnsteady,
  type Change,
  type MeasuredRun,
} from './measured.ts';

export interface RecordedCell {
  readonly run: RunPlan;
  readonly entries: readonly JournalEntry[];
}

export interface Updated {
  /** of the complete file; unchanged if nothing has to change */
  readonly text: string;
  /** failures that no expectation can express */
  readonly refused: readonly { readonly run: RunPlan; readonly finding: Finding }[];
}

/** Whether a file has no expectations at all, so that all of them are to be written. */
export const expectsNothing = ({ steps, nodes, expect }: Scenario): boolean =>
  [...steps, ...nodes].every((one) => (one.expect ?? []).length === 0) && expect.length === 0;

/**
 * The text of a scenario file in which the results of its recorded runs replace what failed. `planned` are all cells of
 * the file, recorded or not. Pure. Throws LabError if the file leaves no place for a change.
 */
export function updateScenario(
  scenario: Scenario,
  options: {
    readonly planned: readonly RunPlan[];
    readonly recorded: readonly RecordedCell[];
    readonly runtimes: Runtimes;
    /** texts of a file without expectations that were not the same twice; see unsteadyTexts */
    readonly unsteady?: ReadonlySet<string>;
  },
): Updated {
  const { planned, recorded, runtimes, unsteady = new Set() } = options;
  const withoutExpectations = expectsNothing(scenario);
  const measured = new Map(
    recorded.map(({ run, entries }) => [
      run.slug,
      withoutExpectations
        ? measuredFromNothing(run, { entries, runtimes })
        : measuredFailures(run, judge(run, entries, runtimes)),
    ]),
  );
  const named = new Map(
    [...measured].map(([slug, one]) => [slug, withOwnNames(withoutUnsteady(one, unsteady), scenario.text)]),
  );
  const refused = recorded.flatMap(({ run }) =>
    (measured.get(run.slug)?.refused ?? []).map((finding) => ({ run, finding })),
  );
  return { text: editScenario(scenario.text, sitesOf(scenario, { planned, measured: named })), refused };
}

interface Cells {
  readonly planned: readonly RunPlan[];
  readonly measured: ReadonlyMap<string, MeasuredRun>;
}

function sitesOf(scenario: Scenario, { planned, measured }: Cells): readonly SiteChanges[] {
  const cells = new Map(
    planned.map((run) => [
      run.slug,
      new Map(run.nodes.map((node) => [node.name, branchCellOf(run.cell, node)])),
    ]),
  );
  const cellOf = (run: RunPlan, node: string | undefined): BranchCell =>
    cells.get(run.slug)?.get(node ?? run.nodes[0]?.name) ?? { cell: run.cell, versions: {} };
  const changesOf = (run: RunPlan, stepId: string, node?: string): readonly Change[] =>
    measured
      .get(run.slug)
      ?.measured.find((one) => one.stepId === stepId && (one.node === undefined || one.node === node))
      ?.changes ?? [];
  const whens = (branches: readonly Expectation[]) => branches.map(({ when }) => when);

  const numbers = [...new Set(scenario.steps.map(({ number }) => number))];
  const steps = numbers.map((number): SiteChanges => {
    // a `parallel` with steps on several nodes is one step on each, and its expectations stand in one place
    const same = scenario.steps.filter((step) => step.number === number);
    const expect = same.flatMap((step) => step.expect).toSorted(inOrderOfFile);
    const hasPlace = same.length === 1 || expect.length > 0;
    const taken = (run: RunPlan) => run.steps.filter(({ id }) => hasPlace && id.startsWith(`${number}-`));
    return {
      site: { at: 'step', number },
      whens: whens(expect),
      cells: planned.flatMap((run) =>
        taken(run).map((own): CellChanges => ({
          cell: cellOf(run, own.on),
          branch: indexOf(expect, own.expect.place),
          changes: changesOf(run, own.id, own.on),
        })),
      ),
    };
  });
  const starts = scenario.nodes.map(({ name, expect = [] }): SiteChanges => ({
    site: { at: 'start', node: name },
    whens: whens(expect),
    cells: planned.map((run) => ({
      cell: cellOf(run, name),
      branch: indexOf(expect, run.nodes.find((node) => node.name === name)?.start?.place),
      changes: changesOf(run, 'start', name),
    })),
  }));
  const endsOf = (name: string | undefined): readonly CellChanges[] =>
    planned.map((run) => ({
      cell: cellOf(run, name),
      branch: indexOf(scenario.expect, run.nodes.find((node) => node.name === name)?.end?.place),
      changes: changesOf(run, 'end', name),
    }));
  const names = scenario.nodes.map(({ name }) => name);
  const expected = names.filter((name) => endOf(scenario, name).length > 0);
  const ends: readonly SiteChanges[] = [
    { site: { at: 'end', node: undefined }, whens: whens(scenario.expect), cells: expected.flatMap(endsOf) },
    ...names
      .filter((name) => !expected.includes(name))
      .map((name): SiteChanges => ({ site: { at: 'end', node: name }, whens: [], cells: endsOf(name) })),
  ];
  return [...starts, ...steps, ...ends];
}

const inOrderOfFile = ({ place: a }: Expectation, { place: b }: Expectation): number =>
  a.line - b.line || a.column - b.column;

function indexOf(branches: readonly Expectation[], place: Place | undefined): number | undefined {
  const index = branches.findIndex(
    (one) => one.place.line === place?.line && one.place.column === place.column,
  );
  return index < 0 ? undefined : index;
}

const CAPTURE = /\$\{((?:id|uuid|veth|chain|time|took|port))-(\d+):([a-z]+)\}/g;

/** Names for varying values are numbered in the order of the file, not in the order of the journal. */
function withOwnNames({ measured, refused }: MeasuredRun, text: string): MeasuredRun {
  const names = new Map<string, string>();
  const renamed = (value: string) =>
    value.replace(CAPTURE, (_, kind: string, number: string, type: string) => {
      const key = `${kind}-${number}`;
      const free = (n: number): string => {
        const name = `${kind}-${n}`;
        const taken = [...names.values()].includes(name) || text.includes(`\${${name}:`);
        return taken ? free(n + 1) : name;
      };
      const name = names.get(key) ?? free(1);
      names.set(key, name);
      return `\${${name}:${type}}`;
    });
  return {
    refused,
    measured: measured.map((one) => ({
      ...one,
      changes: one.changes.map((change) =>
        change.value === undefined ? change : { ...change, value: renamed(change.value) },
      ),
    })),
  };
}

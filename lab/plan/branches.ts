import coerce from 'semver/functions/coerce.js';
import parse from 'semver/functions/parse.js';
import satisfies from 'semver/functions/satisfies.js';

import { type Diagnostic, mistakeAt } from '../spec/diagnostic.ts';
import type { Expectation, Scenario, StepSpec } from '../spec/scenario.ts';
import { RUNTIMES, type ComponentName } from '../core/components.ts';
import type { Cell } from './fill.ts';
import { nameCell } from './cells.ts';
import type { ClusterPlan, NodePlan } from './plan.ts';

/** What a `when` is checked against: one cell, and the versions of its node. */
export interface BranchCell {
  readonly cell: Cell;
  readonly versions: Readonly<Partial<Record<ComponentName, string>>>;
}

/** A cell, as one of its nodes has it. */
export function branchCellOf(
  cell: Cell,
  { runtime, runc, crictl, plugins }: NodePlan,
  cluster?: ClusterPlan,
): BranchCell {
  const set = plugins.set?.version;
  return {
    cell,
    versions: {
      [runtime.component]: runtime.version,
      runc: runc.version,
      crictl: crictl.version,
      ...(set === undefined ? {} : { 'cni-plugins': set }),
      ...(cluster === undefined
        ? {}
        : { kubernetes: cluster.kubernetes.version, etcd: cluster.etcd.version }),
    },
  };
}

/** A cell of a scenario for each of its nodes, by the name of the node. */
export type NodeCells = (node: string | undefined) => BranchCell;

/** The expectations for one node at the end. */
export const endOf = ({ expect }: Pick<Scenario, 'expect'>, node: string | undefined) =>
  expect.filter(({ on }) => on === node);

/**
 * Whether an expectation or a step applies to a cell. Every component and axis in its `when` must match, and also those
 * of the `parallel` that starts it.
 */
export function applies(
  { when = {}, within }: Pick<Expectation, 'when'> & Pick<StepSpec, 'within'>,
  branchCell: BranchCell,
): boolean {
  if (within !== undefined && !applies(within, branchCell)) return false;
  const { cell, versions } = branchCell;
  return Object.entries(when).every(([name, range]) => {
    if (cell[name] === range) return true;
    if (range === '') return false; // the empty value of an axis; as a range it would match any version
    const versionsByName: Readonly<Record<string, string | undefined>> = versions;
    const text = versionsByName[name] ?? cell[name] ?? '';
    const version = parse(text, { loose: true }) ?? coerce(text);
    return version !== null && satisfies(version, range, { includePrerelease: true });
  });
}

/** The branch for a cell, from a list in which `checkBranches` has found no mistakes. */
export const branchFor = (branches: readonly Expectation[], cell: BranchCell): Expectation | undefined =>
  branches.find((branch) => applies(branch, cell));

/** Steps that apply to no cell, and cells without any step. The first are only reported with `unused`. */
export function checkSteps(
  scenario: Scenario,
  { cells, unused }: { cells: readonly BranchCell[]; unused: boolean },
): readonly Diagnostic[] {
  const { steps, place } = scenario;
  if (steps.length === 0) return []; // a node for manual use
  const idle = steps.filter((step) => !cells.some((cell) => applies(step, cell)));
  const empty = cells.filter((cell) => !steps.some((step) => applies(step, cell)));
  const groups = steps
    .filter(({ action }) => action.do === 'parallel')
    .map((group) => ({
      group,
      cells: cells.filter(
        (cell) =>
          applies(group, cell) &&
          !steps.some(
            (step) => step.within?.number === group.number && step.on === group.on && applies(step, cell),
          ),
      ),
    }));
  return [
    ...(unused ? idle : []).map((step) =>
      mistakeAt(step.place, {
        ...scenario,
        message: `this step is for no cell; there are ${nameCells(cells)}`,
      }),
    ),
    ...groups
      .filter((one) => one.cells.length > 0)
      .map((one) =>
        mistakeAt(one.group.place, {
          ...scenario,
          message: `none of its steps is left for ${nameCells(one.cells)}`,
        }),
      ),
    ...(empty.length === 0
      ? []
      : [mistakeAt(place, { ...scenario, message: `no step is left for ${nameCells(empty)}` })]),
  ];
}

/** Cells that no branch covers, or more than one. With `unused`, also branches that cover no cell. */
export function checkBranches(
  branches: readonly Expectation[],
  { cells, scenario, unused }: { cells: readonly BranchCell[]; scenario: Scenario; unused: boolean },
): readonly Diagnostic[] {
  const [first] = branches;
  if (first === undefined) return [];
  const covered = cells.map((cell) => ({ cell, by: branches.filter((branch) => applies(branch, cell)) }));
  const mistakes: { at: Expectation; message: string }[] = [];
  const holes = covered.filter(({ by }) => by.length === 0).map(({ cell }) => cell);
  if (holes.length > 0) {
    mistakes.push({
      at: first,
      message: `no branch covers ${nameCells(holes)}; there are ${nameBranches(branches)}`,
    });
  }
  const twice = covered.filter(({ by }) => by.length > 1);
  for (const pair of new Set(twice.map(({ by }) => nameLines(by)))) {
    const both = twice.filter(({ by }) => nameLines(by) === pair).map(({ cell }) => cell);
    mistakes.push({
      at: first,
      message: `more than one branch covers ${nameCells(both)}: those in lines ${pair}; narrow their "when"`,
    });
  }
  for (const branch of unused ? branches : []) {
    if (covered.some(({ by }) => by.includes(branch))) continue;
    mistakes.push({ at: branch, message: `this branch covers no cell; there are ${nameCells(cells)}` });
  }
  return mistakes.map(({ at, message }) => mistakeAt(at.place, { ...scenario, message }));
}

const SHOWN = 12;

function nameCells(cells: readonly BranchCell[]): string {
  const names = cells.map(nameBranchCell);
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** If the value of an axis differs from the version, both are shown. */
function nameBranchCell({ cell, versions }: BranchCell): string {
  const runtime = RUNTIMES.map((name) => `${name} ${versions[name] ?? '?'}`).find(
    (text) => !text.endsWith('?'),
  );
  return nameCell(cell) || `the only cell (${runtime ?? 'of an unknown version'})`;
}

const nameLines = (branches: readonly Expectation[]): string =>
  branches.map(({ place }) => place.line).join(' and ');

const nameBranches = (branches: readonly Expectation[]): string =>
  branches
    .map(({ when = {} }) =>
      Object.entries(when)
        .map(([name, range]) => `${name} "${range}"`)
        .join(' with '),
    )
    .join(', ');

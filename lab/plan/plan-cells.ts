import { err, ok, type Result } from '../core/result.ts';
import type { Diagnostic } from '../spec/diagnostic.ts';
import type { CniPluginsSpec, NodeSpec, Scenario, StepSpec, VersionText } from '../spec/scenario.ts';
import { present } from '../spec/present.ts';
import { mistakeAt } from '../spec/source-at.ts';
import { valueOf, type WrittenObject } from '../spec/written-json.ts';
import { applies, branchFor, checkBranches, checkSteps, type BranchCell } from './branches.ts';
import { inTablesOf } from './config-roles.ts';
import { checkCaptures } from './check-captures.ts';
import { checkUses } from './check-uses.ts';
import type { CellsOfScenario } from './cells.ts';
import type { ComponentName, ComponentRef, PluginsPlan } from '../core/components.ts';
import { specOf, type Action, type PlannedAction } from '../spec/verbs/verbs.ts';
import {
  fillControl,
  fillExpectation,
  fillFile,
  fillJson,
  fillLog,
  fillPod,
  fillText,
  fillVersion,
  type Cell,
  type FilledCell,
} from './fill.ts';
import type { NodePlan, PlannedStep, RunPlan } from './plan.ts';
import { nameCell } from './name-cell.ts';
import { resolveComponent } from './resolve-component.ts';
import { factsBeside, type VersionFacts } from './version-facts.ts';

const STEP_TIMEOUT_MS = 60_000;

/** A run that has no file name yet. */
export type CellPlan = Omit<RunPlan, 'slug'>;

/** The cells of one scenario, or every mistake that shows once versions are known. */
export function planCells(
  scenario: Scenario,
  { cells, node, changed, facts, cwd }: CellsOfScenario & { facts: VersionFacts; cwd: string },
): Result<readonly CellPlan[], readonly Diagnostic[]> {
  const mistakes = new Map<string, Diagnostic>();
  const plans = cells.map((filled) => {
    const cell = filled.values;
    const resolver = createResolver({
      cell,
      facts,
      cwd,
      mistake: (place, message) => {
        mistakes.set(
          `${place.line}:${place.column} ${message}`,
          mistakeAt(place, { text: scenario.text, message }),
        );
      },
    });
    const plannedNode = planNode(node, {
      filled,
      resolver,
      later: scenario.steps.flatMap(({ action }) =>
        action.do === 'replace-containerd' ? [resolver('containerd', action.version)] : [],
      ),
    });
    const branchCell = { cell, versions: versionsOf(plannedNode) };
    const steps = [...scenario.steps.entries()]
      .filter(([, step]) => applies(step, branchCell))
      .map(([index, step]) => ({ index, step, action: planAction(step.action, { filled, resolver }) }));
    return { cell, node: plannedNode, steps, branchCell };
  });
  if (mistakes.size > 0) return err([...mistakes.values()].sort(inOrderOfTheFile));

  const branchCells = plans.map(({ branchCell }) => branchCell);
  const unused = !changed;
  const wrongSteps = checkSteps(scenario, { cells: branchCells, unused });
  const wrongBranches = [
    ...scenario.steps.map((step) => ({
      branches: step.expect,
      cells: branchCells.filter((cell) => applies(step, cell)),
    })),
    { branches: scenario.node.expect ?? [], cells: branchCells },
    { branches: scenario.expect, cells: branchCells },
  ].flatMap(({ branches, cells: own }) =>
    own.length === 0 ? [] : checkBranches(branches, { cells: own, scenario, unused }),
  );
  if (wrongSteps.length + wrongBranches.length > 0) return err([...wrongSteps, ...wrongBranches]);
  const wrongUses = [...checkUses(scenario, branchCells), ...checkCaptures(scenario, branchCells)];
  if (wrongUses.length > 0) return err(wrongUses);
  return ok(
    plans.map(({ cell, node: plannedNode, steps, branchCell }) => {
      const start = branchFor(scenario.node.expect ?? [], branchCell);
      const end = branchFor(scenario.expect, branchCell);
      const { name, summary, place, control } = scenario;
      return {
        title: `${name} ${nameCell(cell)}`.trimEnd(),
        scenario: { name, summary, place },
        ...(control === undefined ? {} : { control: fillControl(control, cell) }),
        cell,
        node: plannedNode,
        pods: scenario.pods.map((pod) => fillPod(pod, cell)),
        steps: steps.map(({ step, ...planned }) => planStep(step, { ...planned, branchCell })),
        ...(start === undefined ? {} : { start: fillExpectation(start, cell) }),
        ...(end === undefined ? {} : { end: fillExpectation(end, cell) }),
      };
    }),
  );
}

const inOrderOfTheFile = (a: Diagnostic, b: Diagnostic): number =>
  a.place.line - b.place.line || a.place.column - b.place.column;

/** Turns version texts into components. One that cannot be is noted, and stands in for the rest of the look. */
type Resolver = (
  component: ComponentName,
  version: VersionText,
  /** whose versions decide what `default` stands for */
  beside?: readonly ComponentRef[],
) => ComponentRef;

function createResolver({
  cell,
  facts,
  cwd,
  mistake,
}: {
  cell: Cell;
  facts: VersionFacts;
  cwd: string;
  mistake: (place: VersionText['place'], message: string) => void;
}): Resolver {
  return (component, text, beside = []) => {
    const version = fillVersion(text, cell);
    const ref = resolveComponent({ component, version, facts: factsBeside(facts, beside), cwd });
    if (ref.ok) return ref.value;
    mistake(version.place, ref.error);
    return { component, version: version.text };
  };
}

/** `later` are the containerds that steps put in the place of the first: crictl has to speak with all of them. */
function planNode(
  node: NodeSpec,
  { filled, resolver, later }: { filled: FilledCell; resolver: Resolver; later: readonly ComponentRef[] },
): NodePlan {
  const cell = filled.values;
  const byDefault = { text: 'default', place: node.containerd.place };
  const containerd = resolver('containerd', node.containerd);
  const config = valueOf(fillJson(node.containerdConfig ?? NO_TABLES, { cell: filled, mode: 'final' }));
  return {
    containerd,
    runc: resolver('runc', node.runc ?? byDefault, [containerd]),
    crictl: resolver('crictl', node.crictl ?? byDefault, [containerd, ...later]),
    plugins: planPlugins(node.cniPlugins, { cell, resolver }),
    containerdConfig: inTablesOf(containerd.version, config),
    ...present({ containerdConfigPlace: node.containerdConfigPlace }),
    cniConfig: node.cniConfig.map((file) => fillFile(file, { cell: filled, mode: 'final' })),
    files: node.files.map((file) => fillFile(file, { cell: filled, mode: 'final' })),
    ...present({ limits: node.limits, systemCalls: node.systemCalls }),
  };
}

const NO_TABLES: WrittenObject = { is: 'mapping', entries: [] };

/** A `set` that comes out of the matrix may be `none`, too. */
function planPlugins(
  { set, plugins }: CniPluginsSpec,
  { cell, resolver }: { cell: Cell; resolver: Resolver },
): PluginsPlan {
  const none = set === undefined || fillVersion(set, cell).text === 'none';
  return {
    ...(none ? {} : { set: resolver('cni-plugins', set) }),
    overrides: plugins.map(({ plugin, version }) => ({ plugin, from: resolver('cni-plugins', version) })),
  };
}

function planAction(
  action: Action,
  { filled, resolver }: { filled: FilledCell; resolver: Resolver },
): PlannedAction {
  const cell = filled.values;
  const fields = specOf(action).plan(action, {
    final: (text) => fillText(text, { cell, mode: 'final' }),
    template: (text) => fillText(text, { cell, mode: 'template' }),
    file: (file) => fillFile(file, { cell: filled, mode: 'template' }),
    logLine: (line) => fillLog(line, cell),
    component: resolver,
    plugins: (plugins) => planPlugins(plugins, { cell, resolver }),
  });
  // the fields are those of this very verb; TypeScript cannot follow that across a union
  return { do: action.do, ...fields } as PlannedAction;
}

function planStep(
  step: StepSpec,
  { action, index, branchCell }: { action: PlannedAction; index: number; branchCell: BranchCell },
): PlannedStep {
  const { place, expect, timeoutMs } = step;
  const branch = branchFor(expect, branchCell) ?? { place, ok: true, log: [], noLog: [] };
  return {
    id: `${index + 1}-${action.do}`,
    place,
    action,
    timeoutMs: timeoutMs ?? specOf(action).timeoutMs ?? STEP_TIMEOUT_MS,
    expect: fillExpectation(branch, branchCell.cell),
  };
}

function versionsOf({ containerd, runc, crictl, plugins }: NodePlan): BranchCell['versions'] {
  const set = plugins.set?.version;
  return {
    containerd: containerd.version,
    runc: runc.version,
    crictl: crictl.version,
    ...(set === undefined ? {} : { 'cni-plugins': set }),
  };
}

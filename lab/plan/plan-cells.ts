import { err, ok, type Result } from '../core/lab-error.ts';
import { type Diagnostic, mistakeAt } from '../spec/diagnostic.ts';
import type {
  ClusterSpec,
  CniPluginsSpec,
  NamedNode,
  NodeSpec,
  Scenario,
  StepSpec,
  VersionText,
} from '../spec/scenario.ts';
import { limitOf } from '../spec/limits.ts';
import { present } from '../spec/object-shape.ts';
import { valueOf, type WrittenObject } from '../spec/written-json.ts';
import {
  applies,
  branchCellOf,
  branchFor,
  checkBranches,
  checkSteps,
  endOf,
  type BranchCell,
  type NodeCells,
} from './branches.ts';
import { checkCaptures, checkUses } from './checks.ts';
import { type CellsOfScenario, nameCell, nodeIn } from './cells.ts';
import type { NodeLimits } from '../core/node-state.ts';
import type { ComponentName, ComponentRef, PluginsPlan, RuntimeRef } from '../core/components.ts';
import { specOf, type Action, type PlannedAction } from '../spec/verbs/verbs.ts';
import {
  fillCluster,
  fillControl,
  fillExpectation,
  fillFake,
  fillFile,
  fillJson,
  fillLog,
  fillNetwork,
  fillPod,
  fillText,
  fillVersion,
  type Cell,
  type FilledCell,
} from './fill.ts';
import {
  needsRecorder,
  type ClusterPlan,
  type NodePlan,
  type PlannedStep,
  type RunPlan,
  runOn,
} from './plan.ts';
import { resolveComponent, factsBeside, localHostPath, type VersionFacts } from './resolve-component.ts';

const STEP_TIMEOUT_MS = 60_000;

/** A run that has no file name yet. */
export type CellPlan = Omit<RunPlan, 'slug'>;

/** The cells of one scenario, or every mistake that can be found once versions are known. */
export function planCells(
  scenario: Scenario,
  {
    cells,
    nodes,
    cluster: clusterSpec,
    changed,
    facts,
    cwd,
  }: CellsOfScenario & { facts: VersionFacts; cwd: string },
): Result<readonly CellPlan[], readonly Diagnostic[]> {
  const mistakes = new Map<string, Diagnostic>();
  const plans = cells.map((filled) => {
    const cell = filled.values;
    const mistake: NoteMistake = (place, message) => {
      mistakes.set(`${place.line}:${place.column} ${message}`, mistakeAt(place, { ...scenario, message }));
    };
    const resolver = createResolver({ cell, facts, cwd, mistake });
    const nodesOfCell = nodes.map((node) => nodeIn(node, cell));
    const planned = nodesOfCell.map((node) => ({
      spec: node,
      plan: planNode(node, {
        filled,
        resolver,
        mistake,
        cwd,
        later: scenario.steps.flatMap(({ on, action }) =>
          on === node.name && action.do === 'replace-runtime'
            ? [resolver(node.runtime.name, action.version)]
            : [],
        ),
      }),
    }));
    const cluster = clusterSpec && planCluster(clusterSpec, resolver);
    const byNode = new Map(
      planned.map(({ spec, plan }) => [spec.name, branchCellOf(cell, plan, cluster)] as const),
    );
    const cellOn: NodeCells = (node) => byNode.get(node) ?? { cell, versions: {} };
    const steps = scenario.steps
      .filter((step) => applies(step, cellOn(step.on)))
      .map((step) => {
        const node = runOn(nodesOfCell, step.on);
        return { step, action: planAction(step.action, { node, filled, resolver }) };
      });
    return { filled, planned, cluster, steps, cellOn };
  });
  if (mistakes.size > 0) return err([...mistakes.values()].sort(inOrderOfTheFile));

  const wrong = nodes.flatMap((node) =>
    checkNode(node, {
      scenario,
      cells: plans.map(({ cellOn }) => cellOn(node.name)),
      unused: !changed,
    }),
  );
  if (wrong.length > 0) return err(wrong);
  const nodeCells = plans.map(({ cellOn }) => cellOn);
  const wrongUses = [...checkUses(scenario, nodeCells), ...checkCaptures(scenario, nodeCells)];
  if (wrongUses.length > 0) return err(wrongUses);
  return ok(
    plans.map(({ filled, planned, cluster, steps, cellOn }) => {
      const cell = filled.values;
      const { name, summary, place, control } = scenario;
      const plannedSteps = steps.map(({ step, ...own }) =>
        planStep(step, { ...own, filled, branchCell: cellOn(step.on) }),
      );
      return {
        title: `${name} ${nameCell(cell)}`.trimEnd(),
        scenario: { name, summary, place },
        scenarioText: scenario.text,
        ...(control === undefined ? {} : { control: fillControl(control, cell) }),
        cell,
        nodes: planned.map(({ spec, plan }) => {
          const start = branchFor(spec.expect ?? [], cellOn(spec.name));
          const end = branchFor(endOf(scenario, spec.name), cellOn(spec.name));
          const node = {
            ...present({ name: spec.name }),
            ...plan,
            ...(start === undefined ? {} : { start: fillExpectation(start, filled) }),
            ...(end === undefined ? {} : { end: fillExpectation(end, filled) }),
          };
          return needsRecorder(node, plannedSteps) ? { ...node, record: true as const } : node;
        }),
        ...(cluster === undefined ? {} : { cluster }),
        pods: scenario.pods.map((pod) => fillPod(pod, cell)),
        steps: plannedSteps,
      };
    }),
  );
}

/** Mistakes for one node: steps and branches that apply to no cell, and cells with no branch or with too many. */
function checkNode(
  node: NamedNode,
  options: { scenario: Scenario; cells: readonly BranchCell[]; unused: boolean },
): readonly Diagnostic[] {
  const { cells, unused } = options;
  const steps = options.scenario.steps.filter(({ on }) => on === node.name);
  const scenario = { ...options.scenario, steps };
  const branches = [
    ...steps.map((step) => ({
      branches: step.expect,
      cells: cells.filter((cell) => applies(step, cell)),
    })),
    { branches: node.expect ?? [], cells },
    { branches: endOf(scenario, node.name), cells },
  ];
  return [
    ...checkSteps(scenario, { cells, unused }),
    ...branches.flatMap(({ branches: own, cells: suited }) =>
      suited.length === 0 ? [] : checkBranches(own, { cells: suited, scenario, unused }),
    ),
  ];
}

const inOrderOfTheFile = (a: Diagnostic, b: Diagnostic): number =>
  a.place.line - b.place.line || a.place.column - b.place.column;

/** Reports a mistake in a text of the file after a cell has filled it in. */
type NoteMistake = (place: VersionText['place'], message: string) => void;

/**
 * Turns version texts into components. An invalid one is reported and replaced by a placeholder, so that checking can
 * continue.
 */
type Resolver = (
  component: ComponentName,
  version: VersionText,
  /** components whose versions decide what `default` means */
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
  mistake: NoteMistake;
}): Resolver {
  return (component, text, beside = []) => {
    const version = fillVersion(text, cell);
    const ref = resolveComponent({ component, version, facts: factsBeside(facts, beside), cwd });
    if (ref.ok) return ref.value;
    mistake(version.place, ref.error);
    return { component, version: version.text };
  };
}

/** `later` are the versions of the runtime that steps install later: crictl must work with all of them. */
function planNode(node: NodeSpec, { filled, resolver, mistake, cwd, later }: NodeCell): NodePlan {
  const byDefault = { text: 'default', place: node.runtime.version.place };
  const runtime = planRuntime(node.runtime, resolver);
  const limits = planLimits(node, { cell: filled.values, mistake });
  return {
    runtime,
    runc: resolver('runc', node.runc ?? byDefault, [runtime]),
    crictl: resolver('crictl', node.crictl ?? byDefault, [runtime, ...later]),
    plugins: planPlugins(node.cniPlugins, { filled, resolver }),
    runtimeConfig: valueOf(fillJson(node.runtimeConfig ?? NO_TABLES, { cell: filled, mode: 'final' })),
    ...present({ runtimeConfigPlace: node.runtimeConfigPlace }),
    cniConfig: node.cniConfig.map((file) => fillFile(file, { cell: filled, mode: 'final' })),
    files: node.files.map((file) => fillFile(file, { cell: filled, mode: 'final' })),
    ...(node.images === undefined
      ? {}
      : { images: node.images.map((path) => localHostPath(fillVersion(path, filled.values), cwd)) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...present({ systemCalls: node.systemCalls }),
    ...(node.record === true ? { record: true } : {}),
  };
}

function planCluster({ place, workers, ...versions }: ClusterSpec, resolver: Resolver): ClusterPlan {
  const kubernetes = resolver('kubernetes', versions.kubernetes);
  const etcd = resolver('etcd', versions.etcd ?? { text: 'default', place }, [kubernetes]);
  return { kubernetes, etcd, workers };
}

interface NodeCell {
  readonly filled: FilledCell;
  readonly resolver: Resolver;
  readonly mistake: NoteMistake;
  /** absolute; the files of scenarios are relative to it */
  readonly cwd: string;
  readonly later: readonly ComponentRef[];
}

function planLimits(
  { limits = [], limitsOver }: NodeSpec,
  { cell, mistake }: { cell: Cell; mistake: NoteMistake },
): NodeLimits {
  const ofFile = limits.map(({ name, text, place }) => {
    const limit = limitOf(name, fillText(text, { cell, mode: 'final' }));
    if (!limit.ok) mistake(place, limit.error);
    return limit.ok ? limit.value : {};
  });
  return [...ofFile, limitsOver].reduce<NodeLimits>((all, one) => ({ ...all, ...one }), {});
}

const planRuntime = ({ name, version }: NodeSpec['runtime'], resolver: Resolver): RuntimeRef => ({
  ...resolver(name, version),
  component: name,
});

const NO_TABLES: WrittenObject = { is: 'mapping', entries: [] };

/** A `set` from the matrix can also be `none`. */
function planPlugins(
  { set, plugins, fakes }: CniPluginsSpec,
  { filled, resolver }: { filled: FilledCell; resolver: Resolver },
): PluginsPlan {
  const none = set === undefined || fillVersion(set, filled.values).text === 'none';
  return {
    ...(none ? {} : { set: resolver('cni-plugins', set) }),
    overrides: plugins.map(({ plugin, version }) => ({ plugin, from: resolver('cni-plugins', version) })),
    ...(fakes === undefined
      ? {}
      : { fakes: fakes.map(({ plugin, script }) => ({ plugin, script: fillFake(script, filled) })) }),
  };
}

function planAction(
  action: Action,
  { node, filled, resolver }: { node: NodeSpec; filled: FilledCell; resolver: Resolver },
): PlannedAction {
  const cell = filled.values;
  const fields = specOf(action).plan(action, {
    final: (text) => fillText(text, { cell, mode: 'final' }),
    template: (text) => fillText(text, { cell, mode: 'template' }),
    file: (file) => fillFile(file, { cell: filled, mode: 'template' }),
    logLine: (line) => fillLog(line, cell),
    network: (network) => fillNetwork(network, cell),
    cluster: (cluster) => fillCluster(cluster, cell),
    runtime: (version) => planRuntime({ name: node.runtime.name, version }, resolver),
    plugins: (plugins) => planPlugins(plugins, { filled, resolver }),
    fake: (script) => fillFake(script, filled),
  });
  // the fields belong to this verb, but TypeScript cannot follow that across a union
  return { do: action.do, ...fields } as PlannedAction;
}

function planStep(
  step: StepSpec,
  { action, filled, branchCell }: { action: PlannedAction; filled: FilledCell; branchCell: BranchCell },
): PlannedStep {
  const { place, number, on, background, expect, timeoutMs, note } = step;
  // if it is killed while it runs, it is unknown whether it would have succeeded
  const byDefault = { place, ...(background === undefined ? { ok: true } : {}), log: [], noLog: [] };
  const branch = branchFor(expect, branchCell) ?? byDefault;
  return {
    id: `${number}-${action.do}`,
    place,
    ...present({ on, background, note }),
    ...(step.within === undefined ? {} : { within: `${step.within.number}-parallel` }),
    action,
    timeoutMs: timeoutMs ?? specOf(action).timeoutMs ?? STEP_TIMEOUT_MS,
    expect: fillExpectation(branch, filled),
  };
}

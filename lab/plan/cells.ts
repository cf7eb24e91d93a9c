import compareVersions from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';

import type { Axis, ClusterSpec, NamedNode, NodeSpec, Scenario, VersionText } from '../spec/scenario.ts';
import { isJsonNumber } from '../spec/written-json.ts';
import {
  FLAG_COMPONENTS,
  isRuntime,
  type FlagComponentName,
  type NodeComponentName,
  type RuntimeName,
} from '../core/components.ts';
import { present } from '../spec/object-shape.ts';
import type { Cell, FilledCell } from './fill.ts';
import type { RunPlan } from './plan.ts';

/** Versions from the command line, for every cell of every scenario. */
export type VersionOverrides = Readonly<Partial<Record<FlagComponentName, readonly string[]>>>;

/** Options that reduce or change the cells of a file. */
export interface CellOptions {
  readonly overrides: VersionOverrides;
  /** axis → the only values to use, which may be new ones */
  readonly only: Readonly<Record<string, readonly string[]>>;
}

export interface CellsOfScenario {
  readonly cells: readonly FilledCell[];
  readonly nodes: readonly NamedNode[];
  readonly cluster?: ClusterSpec;
  /** false if the cells are exactly those of the file */
  readonly changed: boolean;
}

/** Every combination of the axes of a scenario, with the changes of the command line. The last axis changes fastest. */
export function cellsOf(scenario: Scenario, options: CellOptions): CellsOfScenario {
  const { axes, nodes, cluster, changed } = axesOf(scenario, options);
  const cells = factorsOf({ axes, nodes }).reduce<readonly Cell[]>(
    (all, parts) => all.flatMap((cell) => parts.map((part) => ({ ...cell, ...part }))),
    [{}],
  );
  const filled = cells.map((values) => ({
    values,
    plain: new Set(
      axes.filter(({ axis, plain }) => plain.includes(values[axis] ?? '')).map(({ axis }) => axis),
    ),
  }));
  return { cells: filled, nodes, ...present({ cluster }), changed };
}

/** The number of cells that `cellsOf` would return. */
export const countCells = (scenario: Scenario, options: CellOptions): number =>
  factorsOf(axesOf(scenario, options)).reduce((product, parts) => product * parts.length, 1);

type Axes = Scenario['matrix'];
type AxesAndNodes = Pick<CellsOfScenario, 'nodes' | 'cluster'> & { readonly axes: Axes };

/**
 * The factors of the matrix; a cell has one value of each. The axes of two runtimes are one factor, because a cell has
 * only one of them.
 */
function factorsOf({ axes, nodes }: AxesAndNodes): readonly (readonly Cell[])[] {
  const ofRuntimes = axesOfTwoRuntimes(nodes);
  const isOfRuntimes = ({ axis }: Axis) => ofRuntimes.includes(axis);
  const first = axes.find(isOfRuntimes);
  const cellsOfAxis = ({ axis, values }: Axis) => [...new Set(values)].map((value) => ({ [axis]: value }));
  return axes.flatMap((axis) => {
    if (!isOfRuntimes(axis)) return [cellsOfAxis(axis)];
    return axis === first ? [axes.filter(isOfRuntimes).flatMap(cellsOfAxis)] : [];
  });
}

/** A node in one cell, with one runtime. */
export function nodeIn({ otherRuntime, ...node }: NamedNode, cell: Cell): NamedNode {
  const axis = axisOf(otherRuntime?.version);
  const isOther = otherRuntime !== undefined && axis !== undefined && cell[axis] !== undefined;
  return isOther ? { ...node, runtime: otherRuntime } : node;
}

/** The axes with the changes of the command line, before they are combined. */
function axesOf(
  scenario: Scenario,
  { overrides, only }: CellOptions,
): AxesAndNodes & { readonly changed: boolean } {
  let { axes, nodes } = withRuntimes(
    { axes: axesWanted(scenario, only), nodes: scenario.nodes },
    overriddenVersions(overrides).flatMap(([component, values]) =>
      isRuntime(component) ? [{ component, values }] : [],
    ),
  );
  let { cluster } = scenario;
  for (const [component, values] of overriddenVersions(overrides)) {
    if (isRuntime(component)) continue;
    if (component === 'kubernetes') {
      if (cluster === undefined) continue;
      const axis = axisOf(cluster.kubernetes) ?? component;
      axes = replaceAxes(axes, { by: [{ axis, values }] });
      cluster = { ...cluster, kubernetes: { ...cluster.kubernetes, text: `\${matrix.${axis}}` } };
      continue;
    }
    const axisFor = (node: NodeSpec) => axisOf(versionTextOf(node, component)) ?? component;
    axes = replaceAxes(axes, { by: [...new Set(nodes.map(axisFor))].map((axis) => ({ axis, values })) });
    nodes = nodes.map((node) => withVersion(node, { component, text: `\${matrix.${axisFor(node)}}` }));
  }
  const isNarrowed = scenario.matrix.some(({ axis }) => only[axis] !== undefined);
  const changed = isNarrowed || overriddenVersions(overrides).length > 0;
  return { axes, nodes, ...present({ cluster }), changed };
}

/** If one of the axes of two runtimes is reduced to certain values, the other one has no cells. */
function axesWanted({ matrix, nodes }: Scenario, only: CellOptions['only']): Axes {
  const ofRuntimes = axesOfTwoRuntimes(nodes).filter((axis) => matrix.some((known) => known.axis === axis));
  const isLeftOut = ({ axis }: Axis) =>
    ofRuntimes.includes(axis) &&
    only[axis] === undefined &&
    ofRuntimes.some((other) => only[other] !== undefined);
  return matrix.filter((axis) => !isLeftOut(axis)).map((axis) => withValues(axis, only[axis.axis]));
}

const axesOfTwoRuntimes = (nodes: readonly NodeSpec[]): readonly string[] => {
  const node = nodes.find(({ otherRuntime }) => otherRuntime !== undefined);
  return [axisOf(node?.runtime.version), axisOf(node?.otherRuntime?.version)].filter(
    (axis) => node?.otherRuntime !== undefined && axis !== undefined,
  ) as readonly string[];
};

/** With other runtimes on all nodes. The axes of the replaced runtimes are removed too. */
function withRuntimes(
  { axes, nodes }: AxesAndNodes,
  wanted: readonly { readonly component: RuntimeName; readonly values: readonly string[] }[],
): AxesAndNodes {
  if (wanted.length === 0) return { axes, nodes };
  const runtimesOf = ({ runtime, otherRuntime }: NodeSpec) =>
    otherRuntime === undefined ? [runtime] : [runtime, otherRuntime];
  const axisFor = (node: NodeSpec, name: RuntimeName): string => {
    const own = wanted.length === 1 ? runtimesOf(node).find((one) => one.name === name) : undefined;
    return axisOf(own?.version) ?? name;
  };
  const by = wanted.flatMap(({ component, values }) =>
    [...new Set(nodes.map((node) => axisFor(node, component)))].map((axis) => ({ axis, values })),
  );
  const before = nodes.flatMap(runtimesOf).flatMap(({ version }) => axisOf(version) ?? []);
  return {
    axes: replaceAxes(axes, { by, without: before }),
    nodes: nodes.map((node) => {
      const { place } = node.runtime.version;
      const [runtime = node.runtime, otherRuntime] = wanted.map(({ component }) => ({
        name: component,
        version: { text: `\${matrix.${axisFor(node, component)}}`, place },
      }));
      const { otherRuntime: _before, ...rest } = node;
      return { ...rest, runtime, ...(otherRuntime === undefined ? {} : { otherRuntime }) };
    }),
  };
}

/**
 * Replaces axes of the same name in place and adds others at the end. Axes in `without` that are not replaced are
 * removed.
 */
function replaceAxes(
  axes: Axes,
  { by, without = [] }: { by: readonly Omit<Axis, 'plain'>[]; without?: readonly string[] },
): Axes {
  const replaced = by.map((axis): Axis => ({ ...axis, plain: [] }));
  const known = axes.flatMap((axis) => {
    const other = replaced.find((one) => one.axis === axis.axis);
    return other !== undefined ? [other] : without.includes(axis.axis) ? [] : [axis];
  });
  return [...known, ...replaced.filter((axis) => !known.includes(axis))];
}

/** Components, and the versions that the command line specifies for them. */
export function overriddenVersions(
  overrides: VersionOverrides,
): readonly (readonly [FlagComponentName, readonly string[]])[] {
  return FLAG_COMPONENTS.flatMap((component) => {
    const values = overrides[component] ?? [];
    return values.length === 0 ? [] : [[component, values] as const];
  });
}

/** Adds values from the command line, where there are no quotes. They get the type of the other values of the axis. */
function withValues(axis: Axis, values: readonly string[] | undefined): Axis {
  if (values === undefined) return axis;
  const isPlain = (value: string) =>
    axis.values.includes(value)
      ? axis.plain.includes(value)
      : axis.plain.length > 0 && (isJsonNumber(value) || value === 'true' || value === 'false');
  return { axis: axis.axis, values, plain: values.filter(isPlain) };
}

/** The axis that a version refers to, if it is only a reference. */
const axisOf = (version: VersionText | undefined): string | undefined =>
  /^\$\{matrix\.([^}]+)\}$/.exec(version?.text ?? '')?.[1];

type OtherComponent = Exclude<NodeComponentName, RuntimeName>;

const versionTextOf = (node: NodeSpec, component: OtherComponent): VersionText | undefined =>
  component === 'cni-plugins' ? node.cniPlugins.set : node[component];

function withVersion(
  node: NamedNode,
  { component, text }: { component: OtherComponent; text: string },
): NamedNode {
  const version = { text, place: versionTextOf(node, component)?.place ?? node.runtime.version.place };
  if (component === 'cni-plugins') return { ...node, cniPlugins: { ...node.cniPlugins, set: version } };
  return { ...node, [component]: version };
}

/** The name of a cell for people, which `--set` accepts too: `containerd=1.6.4 preference=''`. */
export const nameCell = (cell: Cell): string =>
  Object.entries(cell)
    .map(([axis, value]) => `${axis}=${nameValue(value)}`)
    .join(' ');

/** A value of an axis. An empty value is made visible. */
export const nameValue = (value: string): string => (value === '' ? "''" : value);

const LONGEST = 120;

/** File names for runs. They are unique in a plan, even if case is ignored, and the same for the same plan. */
export function createSlugs(): (words: readonly string[]) => string {
  const taken = new Set<string>();
  return (words) => {
    const plain = words
      .map((word) => word.replaceAll(/[^A-Za-z0-9._-]+/g, '-'))
      .join('.')
      .slice(0, LONGEST);
    let slug = plain;
    for (let count = 2; taken.has(slug.toLowerCase()); count += 1) slug = `${plain}-${count}`;
    taken.add(slug.toLowerCase());
    return slug;
  };
}

/** The order of runs whose files are not available: by scenario, then by each axis, with versions in version order. */
export function compareRuns(a: Order, b: Order): number {
  return (
    compareWords(a.scenario.name, b.scenario.name) ||
    Object.entries(a.cell)
      .map(([axis, value]) => compareValues(value, b.cell[axis] ?? ''))
      .find((order) => order !== 0) ||
    0
  );
}

type Order = Pick<RunPlan, 'cell'> & { readonly scenario: { readonly name: string } };

/** `debian:1.6.20` is next to other versions of Debian. */
function compareValues(a: string, b: string): number {
  const [first, second] = [a, b].map((value) => {
    const colon = value.indexOf(':') + 1;
    return { source: value.slice(0, colon), version: parse(value.slice(colon), { loose: true }) };
  });
  if (!first?.version || !second?.version || first.source !== second.source) return compareWords(a, b);
  return compareVersions(first.version, second.version);
}

/** Created on first use, because a run of one scenario needs none, and loading the language tables takes 5 ms. */
let collator: Intl.Collator | undefined;
const compareWords = (a: string, b: string): number =>
  (collator ??= new Intl.Collator('en', { numeric: true })).compare(a, b);

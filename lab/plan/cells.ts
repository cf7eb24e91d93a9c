import compareVersions from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';

import type { Axis, NamedNode, NodeSpec, Scenario, VersionText } from '../spec/scenario.ts';
import { isJsonNumber } from '../spec/written-json.ts';
import { isRuntime, NODE_COMPONENTS, type NodeComponentName } from '../core/components.ts';
import type { Cell, FilledCell } from './fill.ts';
import type { RunPlan } from './plan.ts';

/** Versions from the command line, for every cell of every scenario. */
export type VersionOverrides = Readonly<Partial<Record<NodeComponentName, readonly string[]>>>;

/** What narrows or changes the cells of a file. */
export interface CellOptions {
  readonly overrides: VersionOverrides;
  /** axis → the only values wanted, which may be new ones */
  readonly only: Readonly<Record<string, readonly string[]>>;
}

export interface CellsOfScenario {
  readonly cells: readonly FilledCell[];
  readonly nodes: readonly NamedNode[];
  /** false when the cells are those that the file says */
  readonly changed: boolean;
}

/** Every combination of a scenario's axes, the last axis changing fastest, after the command line had its say. */
export function cellsOf(scenario: Scenario, options: CellOptions): CellsOfScenario {
  const { axes, nodes, changed } = axesOf(scenario, options);
  const cells = combine(axes).map((values) => ({
    values,
    plain: new Set(
      axes.filter(({ axis, plain }) => plain.includes(values[axis] ?? '')).map(({ axis }) => axis),
    ),
  }));
  return { cells, nodes, changed };
}

/** The axes after the command line had its say, before they are multiplied. */
export function axesOf(
  scenario: Scenario,
  { overrides, only }: CellOptions,
): Omit<CellsOfScenario, 'cells'> & { readonly axes: Scenario['matrix'] } {
  let axes: Scenario['matrix'] = scenario.matrix.map((axis) => withValues(axis, only[axis.axis]));
  let changed = scenario.matrix.some(({ axis }) => only[axis] !== undefined);
  let { nodes } = scenario;
  for (const [component, values] of overriddenVersions(overrides)) {
    const axisFor = (node: NodeSpec) => axisOf(versionTextOf(node, component)) ?? component;
    for (const axis of new Set(nodes.map(axisFor))) {
      const replaced = { axis, values, plain: [] };
      axes = axes.some((known) => known.axis === axis)
        ? axes.map((known) => (known.axis === axis ? replaced : known))
        : [...axes, replaced];
    }
    nodes = nodes.map((node) => withVersion(node, { component, text: `\${matrix.${axisFor(node)}}` }));
    changed = true;
  }
  return { axes, nodes, changed };
}

/** Components and the versions that the command line wants of them. */
export function overriddenVersions(
  overrides: VersionOverrides,
): readonly (readonly [NodeComponentName, readonly string[]])[] {
  return NODE_COMPONENTS.flatMap((component) => {
    const values = overrides[component] ?? [];
    return values.length === 0 ? [] : [[component, values] as const];
  });
}

/** Values from the command line, where there are no quotes, are what the others of their axis are. */
function withValues(axis: Axis, values: readonly string[] | undefined): Axis {
  if (values === undefined) return axis;
  const isPlain = (value: string) =>
    axis.values.includes(value)
      ? axis.plain.includes(value)
      : axis.plain.length > 0 && (isJsonNumber(value) || value === 'true' || value === 'false');
  return { axis: axis.axis, values, plain: values.filter(isPlain) };
}

function combine(axes: Scenario['matrix']): readonly Cell[] {
  return axes.reduce<readonly Cell[]>(
    (cells, { axis, values }) =>
      cells.flatMap((cell) => [...new Set(values)].map((value) => ({ ...cell, [axis]: value }))),
    [{}],
  );
}

/** The axis that a version is nothing but a reference to. */
const axisOf = (version: VersionText | undefined): string | undefined =>
  /^\$\{matrix\.([^}]+)\}$/.exec(version?.text ?? '')?.[1];

const versionTextOf = (node: NodeSpec, component: NodeComponentName): VersionText | undefined =>
  isRuntime(component)
    ? node.runtime.version
    : component === 'cni-plugins'
      ? node.cniPlugins.set
      : node[component];

function withVersion(
  node: NamedNode,
  { component, text }: { component: NodeComponentName; text: string },
): NamedNode {
  const version = { text, place: versionTextOf(node, component)?.place ?? node.runtime.version.place };
  if (isRuntime(component)) return { ...node, runtime: { name: component, version } };
  if (component === 'cni-plugins') return { ...node, cniPlugins: { ...node.cniPlugins, set: version } };
  return { ...node, [component]: version };
}

/** `containerd=1.6.4 preference=''`: a cell as people name it, and as `--set` takes it. */
export const nameCell = (cell: Cell): string =>
  Object.entries(cell)
    .map(([axis, value]) => `${axis}=${nameValue(value)}`)
    .join(' ');

/** A value of an axis; an empty one can be seen. */
export const nameValue = (value: string): string => (value === '' ? "''" : value);

const LONGEST = 120;

/** File names for runs: unique in a plan, whatever the case of letters, and the same for the same plan. */
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

/** The order of runs whose files are not at hand: by scenario, then by each axis, versions as versions. */
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

/** `debian:1.6.20` stands with the other ones of Debian. */
function compareValues(a: string, b: string): number {
  const [first, second] = [a, b].map((value) => {
    const colon = value.indexOf(':') + 1;
    return { source: value.slice(0, colon), version: parse(value.slice(colon), { loose: true }) };
  });
  if (!first?.version || !second?.version || first.source !== second.source) return compareWords(a, b);
  return compareVersions(first.version, second.version);
}

/** Made when it is first needed, as a run of one scenario needs none and the tables of the language take 5 ms to load. */
let collator: Intl.Collator | undefined;
const compareWords = (a: string, b: string): number =>
  (collator ??= new Intl.Collator('en', { numeric: true })).compare(a, b);

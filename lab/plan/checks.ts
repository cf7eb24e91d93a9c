import { type Diagnostic, type Place, mistakeAt } from '../spec/diagnostic.ts';
import type {
  ClusterExpectation,
  Expectation,
  LeftBehindExpectation,
  Scenario,
  LogExpectation,
  TextExpectation,
  StepSpec,
} from '../spec/scenario.ts';
import { textsOfCall } from '../spec/call-shape.ts';
import { parseTemplate } from '../spec/template.ts';
import { backgroundEndedBy, madeBy, usedBy } from '../spec/verbs/verbs.ts';
import { applies, branchFor, endOf, type NodeCells } from './branches.ts';
import { countCells, nameCell, type CellOptions } from './cells.ts';
import { LIMITS, tooManyCells } from '../spec/limits.ts';

/**
 * Pods and containers that a cell uses but never creates, because the step that creates them is not part of the cell.
 */
export function checkUses(scenario: Scenario, cells: readonly NodeCells[]): readonly Diagnostic[] {
  const mistakes = new Map<string, Diagnostic>();
  for (const cellOn of cells) {
    const made = new Set<string>();
    const note = ({ name, maker }: { name: string; maker: StepSpec }, place: Place) => {
      const message = `there is no "${name}" for ${nameCell(cellOn(scenario.nodes[0]?.name).cell)}: the step in line ${maker.place.line} that makes it is not for it`;
      const key = `${place.line}:${place.column} ${name}`;
      if (!mistakes.has(key)) mistakes.set(key, mistakeAt(place, { ...scenario, message }));
    };
    const check = (names: readonly string[], place: Place) => {
      for (const name of names) {
        const maker = scenario.steps.find(({ action }) => madeBy(action) === name);
        if (made.has(name) || maker === undefined) continue;
        note({ name, maker }, place);
      }
    };
    const checkBranch = (branches: readonly Expectation[], on: string | undefined) => {
      const branch = branchFor(branches, cellOn(on));
      if (branch !== undefined) check([...namesIn(branch), ...subjectsIn(branch)], branch.place);
    };
    for (const { action, expect, place, on } of scenario.steps.filter((step) =>
      applies(step, cellOn(step.on)),
    )) {
      check([...usedBy(action), ...subjectsIn(action)], place);
      const waitedFor = backgroundEndedBy(action);
      const goesOn = scenario.steps.find(
        (step) => step.background === waitedFor || listenerOf(step.action) === waitedFor,
      );
      if (waitedFor !== undefined && goesOn !== undefined && !applies(goesOn, cellOn(goesOn.on)))
        note({ name: waitedFor, maker: goesOn }, place);
      const name = madeBy(action);
      if (name !== undefined) made.add(name);
      checkBranch(expect, on);
    }
    for (const { name } of scenario.nodes) checkBranch(endOf(scenario, name), name);
  }
  return [...mistakes.values()];
}

const listenerOf = (action: StepSpec['action']): string | undefined =>
  action.do === 'listen' ? action.name : undefined;

const namesIn = ({ pods, containers = {} }: Expectation): readonly string[] => [
  ...(pods === undefined || pods === 'none' ? [] : Object.keys(pods)),
  ...Object.keys(containers),
];

/** `web` of each `${web.id}` in any text. */
function subjectsIn(value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(subjectsIn);
  const template = typeof value === 'string' && value.includes('${') ? parseTemplate(value) : undefined;
  if (template?.ok !== true) return [];
  return template.value.flatMap((part) =>
    part.kind === 'ref' && part.name.includes('.') ? [part.name.split('.')[0] ?? ''] : [],
  );
}

/** Reports a plan that would be too large, because of the file alone or because of the command line. */
export function checkSize(scenario: Scenario, options: CellOptions): Diagnostic | undefined {
  const cells = countCells(scenario, options);
  const steps = scenario.steps.length;
  if (cells <= LIMITS.cells && cells * steps <= LIMITS.plannedSteps) return undefined;
  const message =
    cells > LIMITS.cells
      ? tooManyCells(cells)
      : `${cells} runs of ${steps} steps are ${cells * steps} steps; a scenario has at most ${LIMITS.plannedSteps}`;
  return mistakeAt(scenario.place, { ...scenario, message });
}

/** Scenarios that have the same name, so that reports and the command line could not distinguish them. */
export function checkNames(scenarios: readonly Scenario[]): readonly Diagnostic[] {
  const first = new Map<string, Scenario>();
  return scenarios.flatMap((scenario) => {
    const { name, place, text } = scenario;
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, scenario);
      return [];
    }
    const message = `the scenario in ${other.place.file} is called "${name}" too; take another name`;
    return [mistakeAt(place, { text, message })];
  });
}

/** Captures that a cell uses but never makes, because only a branch for other cells does. */
export function checkCaptures(scenario: Scenario, cells: readonly NodeCells[]): readonly Diagnostic[] {
  const mistakes = new Map<string, Diagnostic>();
  for (const cellOn of cells) {
    const captured = new Set<string>();
    const steps = scenario.steps.filter((step) => applies(step, cellOn(step.on)));
    for (const { branches, on } of [
      ...scenario.nodes.map(({ name, expect }) => ({ branches: expect ?? [], on: name })),
      ...steps.map(({ expect, on }) => ({ branches: expect, on })),
      ...scenario.nodes.map(({ name }) => ({ branches: endOf(scenario, name), on: name })),
    ]) {
      const branch = branchFor(branches, cellOn(on));
      const parts = branch === undefined ? [] : textsOf(branch).flatMap(partsOf);
      for (const { kind, name } of parts) if (kind === 'capture') captured.add(name);
      for (const { kind, name, place } of parts) {
        if (kind === 'capture' || name.includes('.') || captured.has(name)) continue;
        const message = `nothing has captured "${name}" for ${nameCell(cellOn(on).cell) || 'this run'}: the branch that does is not for it`;
        mistakes.set(`${place.line}:${place.column} ${name}`, mistakeAt(place, { ...scenario, message }));
      }
    }
  }
  return [...mistakes.values()];
}

interface PlacedText {
  readonly text: string;
  readonly place: Place;
}

const partsOf = ({ text, place }: PlacedText) => {
  const template = text.includes('${') ? parseTemplate(text) : undefined;
  if (template?.ok !== true) return [];
  return template.value.flatMap((part) =>
    part.kind === 'literal' ? [] : [{ kind: part.kind, name: part.name, place }],
  );
};

function textsOf({
  error,
  output,
  networkReady,
  pod,
  pods,
  container,
  containers = {},
  leftBehind,
  log,
  noLog,
  calls = [],
  noCalls = [],
  callOrder = [],
  cluster,
}: Expectation): readonly PlacedText[] {
  const ended = [networkReady, container, ...Object.values(containers)];
  const texts = [error, output, ...ended.flatMap((one) => [one?.reason, one?.message])];
  const expected = texts.flatMap((text) => (text === undefined ? [] : [placed(text)]));
  const ofPods = [pod, ...(typeof pods === 'object' ? Object.values(pods) : [])];
  return [
    ...expected,
    ...[leftBehind, ...ofPods.map((one) => one?.leftBehind)].flatMap(textsOfLeftBehind),
    ...[...log, ...noLog].flatMap(textsOfLog),
    ...textsOfCluster(cluster),
    ...[...calls, ...callOrder, ...noCalls].flatMap((call) =>
      textsOfCall(call).map((text) => ({ text, place: call.place })),
    ),
  ];
}

const textsOfCluster = (cluster: ClusterExpectation | undefined): readonly PlacedText[] =>
  [
    ...Object.values(cluster?.nodes ?? {}).flatMap(({ reason, message }) => [reason, message]),
    ...[...(cluster?.events ?? []), ...(cluster?.noEvents ?? [])].map(({ message }) => message),
  ].flatMap((text) => (text === undefined ? [] : [placed(text)]));

function textsOfLeftBehind(leftBehind: LeftBehindExpectation | undefined): readonly PlacedText[] {
  if (leftBehind === undefined || leftBehind.none) return [];
  return Object.values(leftBehind.kinds)
    .flatMap((amount) => (typeof amount === 'number' ? [] : amount))
    .map((text) => ({ text, place: leftBehind.place }));
}

const textsOfLog = ({ message, fields, place }: LogExpectation): readonly PlacedText[] => [
  placed(message),
  ...Object.values(fields).map((text) => ({ text, place })),
];

const placed = (text: TextExpectation): PlacedText => ({
  text: 'exact' in text ? text.exact : text.contains,
  place: text.place,
});

import type { Diagnostic, Place } from '../spec/diagnostic.ts';
import type { Expectation, LogExpectation, Scenario, TextExpectation } from '../spec/scenario.ts';
import { mistakeAt } from '../spec/source-at.ts';
import { parseTemplate } from '../spec/template.ts';
import { applies, branchFor, endOf, type NodeCells } from './branches.ts';
import { nameCell } from './name-cell.ts';

/** Captures that a cell refers to and never makes, as only a branch for other cells does. */
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
        mistakes.set(
          `${place.line}:${place.column} ${name}`,
          mistakeAt(place, { text: scenario.text, message }),
        );
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

function textsOf({ error, output, leftBehind, log, noLog }: Expectation): readonly PlacedText[] {
  const expected = [error, output].flatMap((text) => (text === undefined ? [] : [placed(text)]));
  const names =
    leftBehind === undefined || leftBehind.none
      ? []
      : Object.values(leftBehind.kinds).flatMap((amount) => (typeof amount === 'number' ? [] : amount));
  return [
    ...expected,
    ...names.flatMap((text) => (leftBehind === undefined ? [] : [{ text, place: leftBehind.place }])),
    ...[...log, ...noLog].flatMap(textsOfLog),
  ];
}

const textsOfLog = ({ message, fields, place }: LogExpectation): readonly PlacedText[] => [
  placed(message),
  ...Object.values(fields).map((text) => ({ text, place })),
];

const placed = (text: TextExpectation): PlacedText => ({
  text: 'exact' in text ? text.exact : text.contains,
  place: text.place,
});

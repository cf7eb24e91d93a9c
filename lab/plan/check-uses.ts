import type { Diagnostic, Place } from '../spec/diagnostic.ts';
import type { Expectation, Scenario } from '../spec/scenario.ts';
import { mistakeAt } from '../spec/source-at.ts';
import { parseTemplate } from '../spec/template.ts';
import { madeBy, usedBy } from '../spec/verbs/verbs.ts';
import { applies, branchFor, endOf, type NodeCells } from './branches.ts';
import { nameCell } from './name-cell.ts';

/** Pods and containers that a cell speaks of and never makes, as the step that does is left out of it. */
export function checkUses(scenario: Scenario, cells: readonly NodeCells[]): readonly Diagnostic[] {
  const mistakes = new Map<string, Diagnostic>();
  for (const cellOn of cells) {
    const made = new Set<string>();
    const check = (names: readonly string[], place: Place) => {
      for (const name of names) {
        const maker = scenario.steps.find(({ action }) => madeBy(action) === name);
        if (made.has(name) || maker === undefined) continue;
        const message = `there is no "${name}" for ${nameCell(cellOn(scenario.nodes[0]?.name).cell)}: the step in line ${maker.place.line} that makes it is not for it`;
        const key = `${place.line}:${place.column} ${name}`;
        if (!mistakes.has(key)) mistakes.set(key, mistakeAt(place, { text: scenario.text, message }));
      }
    };
    const checkBranch = (branches: readonly Expectation[], on: string | undefined) => {
      const branch = branchFor(branches, cellOn(on));
      if (branch !== undefined) check([...podNames(branch), ...subjectsIn(branch)], branch.place);
    };
    for (const { action, expect, place, on } of scenario.steps.filter((step) =>
      applies(step, cellOn(step.on)),
    )) {
      check([...usedBy(action), ...subjectsIn(action)], place);
      const name = madeBy(action);
      if (name !== undefined) made.add(name);
      checkBranch(expect, on);
    }
    for (const { name } of scenario.nodes) checkBranch(endOf(scenario, name), name);
  }
  return [...mistakes.values()];
}

const podNames = ({ pods }: Expectation): readonly string[] =>
  pods === undefined || pods === 'none' ? [] : Object.keys(pods);

/** `web` of each `${web.id}` in any text. */
function subjectsIn(value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(subjectsIn);
  const template = typeof value === 'string' && value.includes('${') ? parseTemplate(value) : undefined;
  if (template?.ok !== true) return [];
  return template.value.flatMap((part) =>
    part.kind === 'ref' && part.name.includes('.') ? [part.name.split('.')[0] ?? ''] : [],
  );
}

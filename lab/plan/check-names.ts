import type { Diagnostic } from '../spec/diagnostic.ts';
import type { Scenario } from '../spec/scenario.ts';
import { mistakeAt } from '../spec/source-at.ts';

/** Scenarios that nobody could tell apart, in reports or on the command line. */
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

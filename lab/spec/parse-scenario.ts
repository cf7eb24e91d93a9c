import { ok, type Result } from '../core/result.ts';
import type { Diagnostic } from './diagnostic.ts';
import { readWithReferences } from './references.ts';
import { scenarioShape, type ScenarioOptions } from './scenario-shape.ts';
import type { Scenario } from './scenario.ts';
import { YamlFile, type Beside } from './yaml-file.ts';

export interface ScenarioText extends ScenarioOptions {
  /** as people name it; every place in the scenario carries it */
  readonly file: string;
  readonly text: string;
  readonly beside: Beside;
}

/** A scenario file, or every mistake in it, in the order of the file. */
export function parseScenario({
  file,
  text,
  beside,
  checks,
}: ScenarioText): Result<Scenario, readonly Diagnostic[]> {
  const read = readWithReferences(new YamlFile({ file, text, beside }), scenarioShape({ checks }));
  return read.ok ? ok({ ...read.value, text }) : read;
}

import { err, ok, type Result } from '../core/result.ts';
import type { Diagnostic } from './diagnostic.ts';
import { scenarioShape, type ScenarioOptions } from './scenario-shape.ts';
import type { Scenario } from './scenario.ts';
import { YamlFile } from './yaml-file.ts';

export interface ScenarioText extends ScenarioOptions {
  /** as people name it; every place in the scenario carries it */
  readonly file: string;
  readonly text: string;
}

/** A scenario file, or every mistake in it, in the order of the file. */
export function parseScenario({
  file,
  text,
  ...options
}: ScenarioText): Result<Scenario, readonly Diagnostic[]> {
  const yaml = new YamlFile({ file, text });
  const read = yaml.root === undefined ? undefined : scenarioShape(options).read(yaml.root);
  if (read === undefined || yaml.mistakes.length > 0) return err(yaml.mistakes);
  return ok({ ...read, text });
}

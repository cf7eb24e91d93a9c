import { scenarioShape } from './scenario-shape.ts';
import type { Definitions, JsonSchema } from './shape.ts';

/** The language as a JSON Schema, for editors; from the same shapes that read the files. */
export function scenarioJsonSchema({ checks }: { checks: readonly string[] }): JsonSchema {
  const definitions: Definitions = new Map();
  const schema = scenarioShape({ checks }).schema(definitions);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'cnilab scenario',
    ...schema,
    definitions: Object.fromEntries(definitions),
  };
}

/** The text of scenarios/schema.json, which scripts/write-schema.mjs writes. */
export const formatScenarioSchema = (options: { checks: readonly string[] }): string =>
  `${JSON.stringify(scenarioJsonSchema(options), null, 2)}\n`;

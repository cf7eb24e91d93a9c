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

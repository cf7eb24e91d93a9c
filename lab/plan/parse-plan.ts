import * as v from 'valibot';

import { RUNTIMES } from '../core/components.ts';
import { check, parseJson, texts, type Schema } from '../core/json.ts';
import { SYSTEM_CALLS } from '../core/node-state.ts';
import { err, ok, type Result } from '../core/lab-error.ts';
import type { Plan } from './plan.ts';

/** Reads `plan.json` of a recorded run. If its format version is known, its content is trusted. */
export function parsePlan(json: string): Result<Plan, string> {
  const parsed = parseJson(json);
  if (!parsed.ok) return err(`this is not JSON: ${parsed.error}`);
  const head = check(HEAD, parsed.value);
  if (!head.ok) return err('this is not a plan');
  if (head.value.formatVersion !== 3)
    return err(
      `it is of format ${JSON.stringify(head.value.formatVersion)}, and this cnilab reads format 3 alone`,
    );
  const runs = check(RUNS, parsed.value);
  if (!runs.ok) return err(`it has no sound "${runs.error}"`);
  return ok(parsed.value as Plan);
}

const HEAD = v.looseObject({ formatVersion: v.unknown() });
const mapping = v.looseObject({});
const component = v.looseObject({ component: v.string(), version: v.string() });
const expectation = v.looseObject({ log: v.array(mapping), noLog: v.array(mapping) });
const files = v.array(v.looseObject({ name: v.string(), content: v.string() }));

/** The parts that every reader of a plan needs. The content of expectations and actions is not checked. */
const RUNS: Schema<unknown> = v.looseObject({
  runs: v.array(
    v.looseObject({
      title: v.string(),
      slug: v.string(),
      scenario: v.looseObject({ name: v.string(), summary: v.string(), place: mapping }),
      scenarioText: v.exactOptional(v.string()),
      control: v.exactOptional(mapping),
      cell: texts,
      nodes: v.pipe(
        v.array(
          v.looseObject({
            name: v.exactOptional(v.string()),
            start: v.exactOptional(expectation),
            end: v.exactOptional(expectation),
            runtime: v.looseObject({ component: v.picklist(RUNTIMES), version: v.string() }),
            runc: component,
            crictl: component,
            plugins: mapping,
            runtimeConfig: mapping,
            runtimeConfigPlace: v.exactOptional(mapping),
            cniConfig: files,
            files,
            images: v.exactOptional(v.array(v.string())),
            limits: v.exactOptional(mapping),
            record: v.exactOptional(v.literal(true)),
            systemCalls: v.exactOptional(v.picklist(SYSTEM_CALLS)),
          }),
        ),
        v.minLength(1),
      ),
      cluster: v.exactOptional(
        v.looseObject({ kubernetes: component, etcd: component, workers: v.array(v.string()) }),
      ),
      pods: v.array(v.looseObject({ name: v.string() })),
      steps: v.array(
        v.looseObject({
          id: v.string(),
          place: mapping,
          within: v.exactOptional(v.string()),
          on: v.exactOptional(v.string()),
          action: v.looseObject({ do: v.string() }),
          timeoutMs: v.number(),
          note: v.exactOptional(v.string()),
          expect: expectation,
        }),
      ),
    }),
  ),
});

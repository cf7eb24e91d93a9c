import { messageOf } from '../core/lab-error.ts';
import {
  isObject,
  list,
  maybe,
  number,
  object,
  text,
  texts,
  wrongField,
  type Fields,
} from '../core/machine-json.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Plan } from './plan.ts';

/** Reads back what `plan.json` of a recorded run says. Its own format version vouches for all that is inside. */
export function parsePlan(json: string): Result<Plan, string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (thrown) {
    return err(`this is not JSON: ${messageOf(thrown)}`);
  }
  if (typeof value !== 'object' || value === null || !('formatVersion' in value))
    return err('this is not a plan');
  if (value.formatVersion !== 2)
    return err(`wanted format version 2; got ${JSON.stringify(value.formatVersion)}`);
  if (!('runs' in value) || !Array.isArray(value.runs)) return err('a plan has a list of runs');
  const runs: readonly unknown[] = value.runs;
  for (const [index, run] of runs.entries()) {
    if (!isObject(run)) return err(`runs[${index}] is not a run`);
    const wrong = wrongField(RUN, run);
    if (wrong !== undefined) return err(`runs[${index}] has no sound "${wrong}"`);
  }
  return ok(value as Plan);
}

const component = object({ component: text, version: text });
const expectation = object({ log: list(isObject), noLog: list(isObject) });

/** What everything that reads a plan relies on; what is inside expectations and actions is the writer's word. */
const RUN: Fields = {
  title: text,
  slug: text,
  scenario: object({ name: text, summary: text, place: isObject }),
  control: maybe(isObject),
  cell: texts,
  node: object({
    containerd: component,
    runc: component,
    crictl: component,
    plugins: isObject,
    containerdConfig: isObject,
    containerdConfigPlace: maybe(isObject),
    cniConfig: list(object({ name: text, content: text })),
    files: list(object({ name: text, content: text })),
    limits: maybe(isObject),
  }),
  pods: list(object({ name: text })),
  steps: list(
    object({
      id: text,
      place: isObject,
      action: object({ do: text }),
      timeoutMs: number,
      expect: expectation,
    }),
  ),
  end: maybe(expectation),
};

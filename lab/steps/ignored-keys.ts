import { isDeepStrictEqual } from 'node:util';

import { CRI_FIELDS } from '../spec/pod-shape.ts';
import { type StepContext, NothingToActOn } from './context.ts';

interface Created {
  readonly of: keyof typeof CRI_FIELDS;
  /** the name in the scenario */
  readonly name: string;
  /** the id of CRI */
  readonly id: string;
  /** the config that crictl sent */
  readonly config: object;
}

/**
 * Captures the keys of a config that the runtime ignored, as `web.ignored`. CRI is protobuf, so a runtime silently
 * drops fields that it does not know. Its verbose status shows what it has kept.
 */
export async function noteIgnoredKeys(
  context: StepContext,
  { of, name, id, config }: Created,
): Promise<void> {
  const asked = Object.entries<string>(CRI_FIELDS[of]).filter(
    ([, path]) => valueAt(config, path) !== undefined,
  );
  if (asked.length === 0) return;
  const { socket } = context.runtime.kind.traits;
  const argv = ['/lab/bin/agent', 'cri-config', '--socket', socket, of, id];
  const { exitCode, stdout, stderr } = await context.node.exec(argv, { timeoutMs: context.timeoutMs });
  const kept: unknown = exitCode === 0 ? JSON.parse(stdout) : undefined;
  if (kept === undefined)
    throw new NothingToActOn(
      `nobody could see what the runtime made of the keys of ${name}: ${stderr.trim()}`,
    );
  const ignored = asked.filter(([, path]) => !has(valueAt(kept, path), valueAt(config, path)));
  context.captures.set(context.stepId, `${name}.ignored`, ignored.map(([key]) => key).join(','));
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
      value,
    );
}

/** Whether a runtime has kept what was requested. It leaves out values that are zero, false or empty. */
function has(kept: unknown, asked: unknown): boolean {
  if (isEmpty(asked)) return isEmpty(kept);
  if (typeof asked !== 'object' || asked === null) return isDeepStrictEqual(kept, asked);
  if (typeof kept !== 'object' || kept === null) return false;
  return Object.entries(asked).every(([key, value]) => has((kept as Record<string, unknown>)[key], value));
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === 0 ||
  value === false ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

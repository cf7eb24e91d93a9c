import { LabError } from '../core/lab-error.ts';
import type { NodeState, StateItem } from '../core/node-state.ts';
import type { Observation } from '../observe/observation.ts';
import { parseTemplate } from '../spec/template.ts';
import { NothingToActOn } from './context.ts';

/** The values that texts of later steps refer to, `web.id` and `web.ip`. Each is observed when it becomes known. */
export class Captures {
  readonly #values: Map<string, string>;
  readonly #observe: (observation: Observation) => void;

  /** `values` are shared with other nodes, if there are several. */
  constructor(observe: (observation: Observation) => void, values = new Map<string, string>()) {
    this.#observe = observe;
    this.#values = values;
  }

  set(stepId: string, name: string, value: string): void {
    if (this.#values.get(name) === value) return;
    this.#values.set(name, value);
    this.#observe({ kind: 'capture', stepId, name, value });
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** All values so far. */
  known(): ReadonlyMap<string, string> {
    return this.#values;
  }

  /** Fills in the references in a text of a step. If a value is not known, the step cannot be executed. */
  fill(text: string): string {
    const template = parseTemplate(text);
    if (!template.ok) throw new LabError(`${JSON.stringify(text)} is not a template`);
    return template.value
      .map((part) => {
        if (part.kind === 'literal') return part.text;
        const value = this.#values.get(part.name);
        if (value === undefined) throw new NothingToActOn(`\${${part.name}} is not known`);
        return value;
      })
      .join('');
  }
}

/** The newest sandbox of a pod, which is that of its last attempt. */
export function sandboxOf(state: NodeState, pod: string): StateItem | undefined {
  const attempt = (item: StateItem) => Number(item.detail?.['attempt'] ?? 0);
  return state.items
    .filter((item) => item.kind === 'sandbox' && item.detail?.['podName'] === pod)
    .sort((a, b) => attempt(b) - attempt(a))[0];
}

/**
 * Captures what a look shows about a pod: its id, even if `crictl runp` failed and printed none, its addresses and its
 * netns.
 */
export function capturePod(
  captures: Captures,
  options: { stepId: string; pod: string; state: NodeState },
): void {
  const sandbox = sandboxOf(options.state, options.pod);
  if (sandbox === undefined) return;
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') captures.set(options.stepId, `${options.pod}.${name}`, value);
  };
  const ips = (sandbox.detail?.['ips'] ?? '').split(',');
  set('id', sandbox.name);
  set('netns', sandbox.detail?.['netns']);
  set(
    'ip',
    ips.find((ip) => !ip.includes(':')),
  );
  set(
    'ip6',
    ips.find((ip) => ip.includes(':')),
  );
}

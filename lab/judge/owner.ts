import type { StateItem } from '../core/node-state.ts';
import type { Look } from './facts.ts';
import type { RunPlan } from '../plan/plan.ts';
import { containerMadeBy, containerOfAction, podOfAction, type PlannedAction } from '../spec/verbs/verbs.ts';

/**
 * The pod that something on a node belongs to, by the id of its sandbox or of a container, its network namespace or its address, wherever
 * it stands in the name or the detail; undefined where none of them does.
 */
export function ownerOf(item: StateItem, looks: readonly Pick<Look, 'state'>[]): string | undefined {
  const told = [item.name, ...Object.values(item.detail ?? {})].join('\n');
  const sandboxes = looks.flatMap(({ state }) => state.items.filter(({ kind }) => kind === 'sandbox'));
  const container = looks
    .flatMap(({ state }) => state.items)
    .findLast(({ kind, name }) => kind === 'container' && told.includes(name));
  const owner =
    sandboxes.findLast(({ name }) => name === container?.detail?.['sandbox']) ??
    sandboxes.findLast(({ name }) => told.includes(name)) ??
    sandboxes.findLast(({ detail }) => hasWord(told, baseName(detail?.['netns'] ?? ''))) ??
    sandboxes.findLast(({ detail }) => (detail?.['ips'] ?? '').split(',').some((ip) => hasWord(told, ip)));
  return owner?.detail?.['podName'];
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Whether a text has a word that is neither the end nor the beginning of a longer one: 10.88.0.2 is not in 10.88.0.21. */
function hasWord(text: string, word: string): boolean {
  for (let at = word === '' ? -1 : text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + word.length] ?? ' '}`;
    if (!/[\w.:-]/.test(around)) return true;
  }
  return false;
}

/** The pod that a step is about: named by it, or by the step that created its container. */
export function podOf(action: PlannedAction, run: RunPlan): string | undefined {
  const container = containerOfAction(action);
  const maker = run.steps.find(
    (step) => container !== undefined && containerMadeBy(step.action) === container,
  );
  return podOfAction(action) ?? (maker === undefined ? undefined : podOfAction(maker.action));
}

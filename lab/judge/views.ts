import type { Runtimes } from '../core/runtime.ts';
import type { JournalEntry } from '../observe/observation.ts';
import { nodeRuns, runOn, type NodeRun } from '../plan/node-run.ts';
import type { RunPlan } from '../plan/plan.ts';
import { factsOf, type RunFacts, type StepFacts } from './facts.ts';

/** A run as one of its nodes saw it: what was to be there, and what the journal tells of it. */
export interface View {
  readonly run: NodeRun;
  readonly facts: RunFacts;
}

export const viewsOf = (
  run: RunPlan,
  entries: readonly JournalEntry[],
  runtimes: Runtimes,
): readonly View[] =>
  nodeRuns(run).map((own) => ({
    run: own,
    facts: factsOf(own, entriesOn(own, { run, entries }), runtimes),
  }));

/** A step and the view of the node that it was taken on. */
export interface ViewedStep extends StepFacts {
  readonly view: View;
}

/** The steps of all nodes, in the order in which they are taken. */
export const stepsIn = (run: RunPlan, views: readonly View[]): readonly ViewedStep[] =>
  run.steps.flatMap(({ id, on }) => {
    const { name } = runOn(nodeRuns(run), on);
    const view = views.find((one) => one.run.name === name);
    const facts = view?.facts.steps.find(({ step }) => step.id === id);
    return view === undefined || facts === undefined ? [] : [{ ...facts, view }];
  });

/** What the journal tells of one node, and of no node. The last line counts these alone. */
function entriesOn(
  own: NodeRun,
  { run, entries }: { readonly run: RunPlan; readonly entries: readonly JournalEntry[] },
): readonly JournalEntry[] {
  if (own.name === undefined) return entries;
  const kept = entries.filter(({ node }) => node === undefined || node === own.name);
  const others = entries.length - kept.length;
  return kept.map((entry) => {
    if (entry.kind === 'run-ended') return { ...entry, entries: entry.entries - others };
    if (entry.kind !== 'runtime-ended') return entry;
    return { ...entry, stepId: ownStepAfter(entry.stepId, { own, run }) };
  });
}

/** What happens on a node during a step on another one is seen by the next look at it. */
function ownStepAfter(stepId: string, { own, run }: { own: NodeRun; run: RunPlan }): string {
  const at = run.steps.findIndex(({ id }) => id === stepId);
  if (at < 0) return stepId;
  return run.steps.slice(at).find(({ on }) => on === own.name)?.id ?? 'end';
}

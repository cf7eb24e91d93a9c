import type { NodeState } from '../core/node-state.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { PlannedStep, RunPlan } from '../plan/plan.ts';
import { instrumentsOf, type Instruments } from './instruments.ts';

export type Seen<K extends JournalEntry['kind']> = Extract<JournalEntry, { readonly kind: K }>;

/** What the journal tells of one step. */
export interface StepFacts {
  readonly step: PlannedStep;
  /** it was taken to its end, look included; without that nothing it shows can be relied on */
  readonly ended: boolean;
  readonly notRun: string | undefined;
  readonly commands: readonly Seen<'command'>[];
  readonly waits: readonly Seen<'waited'>[];
  /** what was to be taken away and was not there */
  readonly absent: readonly string[];
  readonly captures: readonly Seen<'capture'>[];
  /** containerd ended, and nobody had asked for it */
  readonly crashes: readonly Seen<'containerd-ended'>[];
  /** containerd's log, as far as it belongs to this step */
  readonly log: string;
  /** the state after the step */
  readonly state: NodeState | undefined;
}

/** A look, and after which step it was taken; the first is `start`. */
export interface Look {
  readonly stepId: string;
  readonly state: NodeState;
}

/** A journal, sorted by what the checks ask. Nothing is judged here. */
export interface RunFacts {
  readonly steps: readonly StepFacts[];
  readonly looks: readonly Look[];
  readonly instruments: Instruments;
  /** all of containerd's log; undefined where none of it was read */
  readonly log: string | undefined;
  /** what kept the lab from doing its part, in its own words */
  readonly troubles: readonly string[];
  readonly cleanupFailures: readonly Seen<'cleanup-failure'>[];
  readonly ended: boolean;
}

export function factsOf(
  run: Pick<RunPlan, 'steps'> & { readonly node?: Pick<RunPlan['node'], 'files'> },
  entries: readonly JournalEntry[],
): RunFacts {
  const looks = ofKind(entries, 'look').map(({ stepId, state }) => ({ stepId, state }));
  const log = ofKind(entries, 'containerd-log');
  const byStep = entriesByStep(entries);
  return {
    steps: run.steps.map((step) => stepFacts(step, byStep.get(step.id) ?? [])),
    looks,
    instruments: instrumentsOf(run, entries),
    log: log.length === 0 ? undefined : log.map(({ text }) => text).join(''),
    troubles: [
      ...ofKind(entries, 'interrupted').map(({ by }) => `interrupted by ${by}`),
      ...ofKind(entries, 'lab-failure').map(({ during, message }) => `during ${during}: ${message}`),
    ],
    cleanupFailures: ofKind(entries, 'cleanup-failure'),
    ended: entries.some(({ kind }) => kind === 'run-ended'),
  };
}

function entriesByStep(entries: readonly JournalEntry[]): ReadonlyMap<string, readonly JournalEntry[]> {
  const byStep = new Map<string, JournalEntry[]>();
  for (const entry of entries) {
    if (!('stepId' in entry)) continue;
    const own = byStep.get(entry.stepId);
    if (own === undefined) byStep.set(entry.stepId, [entry]);
    else own.push(entry);
  }
  return byStep;
}

function stepFacts(step: PlannedStep, own: readonly JournalEntry[]): StepFacts {
  return {
    step,
    ended: ofKind(own, 'step-ended').length > 0,
    notRun: ofKind(own, 'not-run')[0]?.why,
    commands: ofKind(own, 'command'),
    waits: ofKind(own, 'waited'),
    absent: ofKind(own, 'files').flatMap(({ absent }) => absent),
    captures: ofKind(own, 'capture'),
    crashes: ofKind(own, 'containerd-ended').filter(({ asked }) => !asked),
    log: ofKind(own, 'containerd-log')
      .map(({ text }) => text)
      .join(''),
    state: ofKind(own, 'look').at(-1)?.state,
  };
}

function ofKind<K extends JournalEntry['kind']>(
  entries: readonly JournalEntry[],
  kind: K,
): readonly Seen<K>[] {
  return entries.filter((entry): entry is Seen<K> => entry.kind === kind);
}

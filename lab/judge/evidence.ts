import type { JournalEntry } from '../observe/observation.ts';
import type { PlannedStep, RunPlan } from '../plan/plan.ts';
import { hasCriFields } from '../spec/pod-shape.ts';
import type { Recorded } from '../spec/verbs/verb-spec.ts';
import { containerMadeBy, podMadeBy, specOf, type PlannedAction } from '../spec/verbs/verbs.ts';
import { type Look, ofKind, type Seen } from './facts.ts';

/** The journal lines of one step, and the look before it. */
interface Lines {
  readonly own: readonly JournalEntry[];
  readonly before: Look | undefined;
}

/** What the journal must contain for an executed step but does not; undefined if nothing is missing. */
export function missingOf(
  { action }: PlannedStep,
  { own, before, pods }: Lines & { readonly pods: RunPlan['pods'] },
): string | undefined {
  if (ofKind(own, 'step-started').length === 0) return 'its beginning';
  if (ofKind(own, 'look').length === 0) return 'the look after it';
  if (ofKind(own, 'runtime-log').length === 0) return 'the log of the runtime';
  if (endedUnrecorded({ own, before })) return END_OF_RUNTIME;
  if (ofKind(own, 'not-run').length > 0) return undefined;
  return missingRecord(action, { own, before }) ?? missingName(action, { own, pods });
}

const END_OF_RUNTIME = 'the end of the runtime';

/**
 * Whether the runtime ended during the step without a record. If it ran before the step and has ended after it, the
 * journal must have a line about how it ended.
 */
function endedUnrecorded({ own, before }: Lines): boolean {
  const ended = ofKind(own, 'look').some(({ runtime }) => runtime === 'ended');
  const ranBefore = before !== undefined && before.runtime !== 'ended';
  return ended && ranBefore && ofKind(own, 'runtime-ended').length === 0;
}

/** The first record that the lab always writes for this verb and that is missing. */
function missingRecord(action: PlannedAction, lines: Lines): string | undefined {
  const waits = ofKind(lines.own, 'waited');
  let waited = 0;
  for (const what of specOf(action).recorded) {
    if (waits.slice(0, waited).some(({ met }) => !met)) return undefined; // the step ended there
    if (WAITS.includes(what)) waited += 1;
    const missing = MISSING[what]({ ...lines, waited });
    if (missing !== undefined) return missing;
  }
  return undefined;
}

const WAITS: readonly Recorded[] = ['wait', 'runtime end', 'runtime start', 'reboot'];

const MISSING: { readonly [R in Recorded]: (lines: Lines & { waited: number }) => string | undefined } = {
  command: ({ own }) => (ofKind(own, 'command').length > 0 ? undefined : 'the command'),
  'command for each listed pod': (lines) => listed(lines),
  files: ({ own }) => (ofKind(own, 'files').length > 0 ? undefined : 'the files'),
  wait: (lines) => wait(lines),
  'runtime end': (lines) => wait(lines) ?? end(lines.own),
  'runtime start': (lines) => wait(lines),
  reboot: (lines) => wait(lines) ?? (lines.before?.runtime === 'ended' ? undefined : end(lines.own)),
};

/**
 * What later steps need and the journal does not have: how often a pod was run, the id of what was created, and the
 * keys that the runtime ignored.
 */
function missingName(
  action: PlannedAction,
  { own, pods }: { readonly own: readonly JournalEntry[]; readonly pods: RunPlan['pods'] },
): string | undefined {
  const succeeded = ofKind(own, 'command').some(({ result }) => result.exitCode === 0);
  const pod = podMadeBy(action);
  if (pod !== undefined) {
    const readBack = succeeded && pods.some((spec) => spec.name === pod && hasCriFields(spec));
    return capture(own, `${pod}.attempts`) ?? (readBack ? capture(own, `${pod}.ignored`) : undefined);
  }
  const container = containerMadeBy(action);
  if (container === undefined || !succeeded) return undefined;
  const readBack = action.do === 'create-container' && action.seccomp !== undefined;
  return capture(own, `${container}.id`) ?? (readBack ? capture(own, `${container}.ignored`) : undefined);
}

const wait = ({ own, waited }: { own: readonly JournalEntry[]; waited: number }) => {
  if (ofKind(own, 'waited').length >= waited) return undefined;
  return waited === 1 ? 'what was waited for' : 'how the runtime started again';
};

const capture = (own: readonly JournalEntry[], name: string) =>
  ofKind(own, 'capture').some((one) => one.name === name) ? undefined : `the value of ${name}`;

const end = (own: readonly JournalEntry[]) =>
  ofKind(own, 'waited').every(({ met }) => !met) || ofKind(own, 'runtime-ended').length > 0
    ? undefined
    : END_OF_RUNTIME;

/** There must be a command for each pod that was listed before. A list that was never seen is not an empty list. */
function listed({ own, before }: Lines): string | undefined {
  if (before === undefined || before.state.unseen.some(({ kind }) => kind === 'sandbox'))
    return 'which pods were listed';
  const done = ofKind(own, 'command').map(({ id: one }: Seen<'command'>) => one);
  const left = before.state.items.filter(({ kind, name }) => kind === 'sandbox' && !done.includes(name));
  return left.length === 0 ? undefined : `a command for ${left.map(({ name }) => name).join(', ')}`;
}

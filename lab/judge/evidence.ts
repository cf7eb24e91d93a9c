import type { JournalEntry } from '../observe/observation.ts';
import type { PlannedAction, PlannedStep } from '../plan/plan.ts';
import type { Look } from './facts.ts';
import { ofKind, type Seen } from './of-kind.ts';

/** The lines of one step, and the look before it. */
interface Lines<A extends PlannedAction> {
  readonly action: A;
  readonly own: readonly JournalEntry[];
  readonly before: Look | undefined;
}

type Missing<D extends PlannedAction['do']> = (
  lines: Lines<Extract<PlannedAction, { do: D }>>,
) => string | undefined;

/** What the lab always writes down of each verb; the answer is what is not there. */
const MISSING: { readonly [D in PlannedAction['do']]: Missing<D> } = {
  'run-pod': ({ own, action }) => command(own) ?? capture(own, `${action.pod}.attempts`),
  'stop-pod': ({ own }) => command(own),
  'remove-pod': ({ own }) => command(own),
  'stop-listed-pods': (lines) => listed(lines),
  'remove-listed-pods': (lines) => listed(lines),
  'create-container': ({ own, action }) => command(own) ?? id(own, action.container),
  'start-container': ({ own }) => command(own),
  'exec-container': ({ own }) => command(own),
  'stop-container': ({ own }) => command(own),
  'remove-container': ({ own }) => command(own),
  'write-files': ({ own }) => files(own),
  'remove-files': ({ own }) => files(own),
  'write-cni-config': ({ own }) => files(own),
  'remove-cni-config': ({ own }) => files(own),
  'install-plugins': ({ own }) => files(own),
  'remove-plugins': ({ own }) => files(own),
  'fake-plugin': ({ own }) => files(own),
  'stop-containerd': ({ own }) => wait(own) ?? end(own),
  'kill-containerd': ({ own }) => wait(own) ?? end(own),
  'start-containerd': ({ own }) => wait(own),
  'replace-containerd': ({ own }) => {
    const waits = ofKind(own, 'waited');
    const stopped = wait(own) ?? end(own);
    if (stopped !== undefined || waits.some(({ met }) => !met)) return stopped;
    return files(own) ?? (waits.length < 2 ? 'how containerd started again' : undefined);
  },
  exec: ({ own }) => command(own),
  connect: ({ own }) => command(own),
  'wait-for': ({ own }) => wait(own),
};

/** What ought to stand in a journal of a step that was taken, and does not. */
export function missingOf(
  { action }: PlannedStep,
  { own, before }: { own: readonly JournalEntry[]; before: Look | undefined },
): string | undefined {
  if (ofKind(own, 'step-started').length === 0) return 'its beginning';
  if (ofKind(own, 'look').length === 0) return 'the look after it';
  if (ofKind(own, 'containerd-log').length === 0) return 'the log of containerd';
  if (ofKind(own, 'not-run').length > 0) return undefined;
  // The table is indexed by the very tag that types the action; TypeScript cannot follow that across a union.
  const missing = MISSING[action.do] as Missing<typeof action.do>;
  return missing({ action, own, before });
}

const command = (own: readonly JournalEntry[]) =>
  ofKind(own, 'command').length > 0 ? undefined : 'the command';
const wait = (own: readonly JournalEntry[]) =>
  ofKind(own, 'waited').length > 0 ? undefined : 'what was waited for';
const files = (own: readonly JournalEntry[]) => (ofKind(own, 'files').length > 0 ? undefined : 'the files');
const capture = (own: readonly JournalEntry[], name: string) =>
  ofKind(own, 'capture').some((one) => one.name === name) ? undefined : `the value of ${name}`;

/** Where what makes something succeeded, its id is known. */
const id = (own: readonly JournalEntry[], name: string) =>
  ofKind(own, 'command').some(({ result }) => result.exitCode === 0) ? capture(own, `${name}.id`) : undefined;

const end = (own: readonly JournalEntry[]) =>
  ofKind(own, 'waited').every(({ met }) => !met) || ofKind(own, 'containerd-ended').length > 0
    ? undefined
    : 'the end of containerd';

/** A command for each pod that was listed before: a list that nobody saw is no empty one. */
function listed({ own, before }: Lines<PlannedAction>): string | undefined {
  if (before === undefined || before.state.unseen.some(({ kind }) => kind === 'sandbox'))
    return 'which pods were listed';
  const done = ofKind(own, 'command').map(({ id: one }: Seen<'command'>) => one);
  const left = before.state.items.filter(({ kind, name }) => kind === 'sandbox' && !done.includes(name));
  return left.length === 0 ? undefined : `a command for ${left.map(({ name }) => name).join(', ')}`;
}

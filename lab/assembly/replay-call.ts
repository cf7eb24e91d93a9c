import { bytesOfText } from '../core/content.ts';
import { BadInput } from '../core/lab-error.ts';
import { callsOf, nameCall, type CniCall } from '../core/cni-call.ts';
import type { Clock } from '../core/ports.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import { FILE_VERBS } from '../spec/verbs/files.ts';
import { PLUGIN_VERBS } from '../spec/verbs/plugins.ts';
import { Captures } from '../steps/captures.ts';
import { createStepper } from '../steps/stepper.ts';
import type { OneNode } from './one-node.ts';
import type { Recorded } from './recorded.ts';

/** One call of a recorded run, and the data of its node. */
export interface CallToRepeat {
  readonly call: CniCall;
  /** only with its node, and without a recorder */
  readonly run: RunPlan;
  readonly entries: readonly JournalEntry[];
}

/** Throws BadInput if there is no such call, or its record is incomplete. `on` is one of several nodes. */
export function callToRepeat(
  { run, entries }: Pick<Recorded, 'run' | 'entries'>,
  { number, on }: { number: number; on: string | undefined },
): CallToRepeat {
  const own = entries.filter(({ node }) => node === on);
  return { run: runOnNode(run, on), entries: own, call: callOf(own, number) };
}

function runOnNode(run: RunPlan, on: string | undefined): RunPlan {
  const names = run.nodes.map(({ name }) => name);
  const [node] = run.nodes.filter(({ name }) => name === on);
  if (node === undefined)
    throw new BadInput(
      on === undefined
        ? `the run has several nodes: say which, with --on ${names.join(' or ')}`
        : `the run has no node ${on}; ${names[0] === undefined ? 'leave --on out' : `it has ${names.join(', ')}`}`,
    );
  const { record: _, ...unrecorded } = node;
  return { ...run, nodes: [unrecorded], steps: run.steps.filter((step) => step.on === on) };
}

/** Throws BadInput with a list of the calls if there is none with this number. */
export function callOf(entries: readonly JournalEntry[], number: number): CniCall {
  const calls = callsOf(
    entries.flatMap((entry) => (entry.kind === 'cni-call-started' ? [entry] : [])),
    entries.flatMap((entry) => (entry.kind === 'cni-call-ended' ? [entry] : [])),
  );
  const found = calls.find(({ call }) => call === number);
  if (calls.length === 0)
    throw new BadInput('no plugin call is recorded in this run; run it again with --record');
  if (found === undefined)
    throw new BadInput(
      `there is no call ${number}; there ${calls.length === 1 ? 'is' : 'are'}\n${calls.map(line).join('\n')}`,
    );
  if (found.cut !== undefined || found.end?.cut?.includes('stdin') === true)
    throw new BadInput(`the input of call ${number} is not recorded whole, so it cannot be repeated`);
  return found;
}

const line = (call: CniCall): string => `  ${call.call}  ${nameCall(call)} in ${call.stepId}`;

/** In the form that the agent reads: images/node-tools/internal/cnicall/replay.go. */
export function requestOf({ path, env, stdin, netns, end }: CniCall): string {
  const bytes = (text: string) => Buffer.from(bytesOfText(text)).toString('base64');
  const { exitCode, signal, stdout = '', stderr = '' } = end ?? {};
  return JSON.stringify({
    ...{ path, env, stdin: bytes(stdin), makesNetns: netns?.inode !== undefined },
    ...(end && { ended: { exitCode, signal, stdout: bytes(stdout), stderr: bytes(stderr) } }),
  });
}

/**
 * Executes those steps before the call that write files or install plugins. Returns what differs from the recorded
 * state.
 */
export async function writeWhatStepsWrote(
  { node, runtime, artifact }: OneNode,
  { run, entries, call }: CallToRepeat,
  clock: Clock,
): Promise<readonly string[]> {
  const differences: string[] = [];
  const captures = new Captures(() => undefined);
  for (const entry of entries)
    if (entry.kind === 'capture') captures.set(entry.stepId, entry.name, entry.value);
  const stepper = createStepper({
    ...{ node, runtime, artifact, captures },
    clock,
    settleMs: 0,
    observe: (entry) => {
      if (entry.kind === 'not-run') differences.push(`${entry.stepId} was not taken: ${entry.why}`);
    },
  });
  const { stepId } = call;
  const before = run.steps.slice(
    0,
    Math.max(
      0,
      run.steps.findIndex(({ id }) => id === stepId),
    ),
  );
  const written = before.filter(({ action }) => writes(action.do));
  for (const step of written) await stepper.take({ ...step, pods: run.pods });
  const others = before.length - written.length;
  const earlier = entries.filter(
    (entry) => entry.kind === 'cni-call-started' && entry.call < call.call,
  ).length;
  return [
    'the node is a fresh one of the same plan',
    ...(others === 0 ? [] : [`steps before ${stepId} that write no files were not taken: ${others}`]),
    ...(earlier === 0 ? [] : [`what earlier calls set up is not there: ${earlier}`]),
    ...differences,
  ];
}

const writes = (verb: string): boolean => verb in FILE_VERBS || verb in PLUGIN_VERBS;

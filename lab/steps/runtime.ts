import { NotInTime } from '../core/wait-for.ts';
import { installPrograms } from '../nodes/containerd.ts';
import { StartFailed } from '../nodes/start-failed.ts';
import type { RUNTIME_VERBS } from '../spec/verbs/runtime.ts';
import type { StepContext, VerbEffects } from './context.ts';
import { NothingToActOn } from './nothing-to-act-on.ts';
import { filesOn } from './plugins.ts';

export const CONTAINERD_TO_ANSWER = 'containerd to answer';

export const RUNTIME_EFFECTS: VerbEffects<keyof typeof RUNTIME_VERBS> = {
  'stop-containerd': async (context) => void (await endContainerd(context, 'TERM')),
  'kill-containerd': async (context) => void (await endContainerd(context, 'KILL')),
  'start-containerd': async (context) => void (await startContainerd(context)),
  'replace-containerd': async (context, { containerd }) => {
    if (!(await endContainerd(context, 'TERM'))) return;
    await installPrograms(filesOn(context), context.artifact(containerd));
    await startContainerd(context);
  },
};

/** Nobody can be asked where containerd is known not to run: that is no answer of its. */
export async function askable({ containerd }: StepContext): Promise<void> {
  if ((await containerd.state({ answered: true })) === 'ended')
    throw new NothingToActOn('containerd does not run');
}

/** A containerd that does not come up again is the doing of the system under test: observed, and judged. */
async function startContainerd(context: StepContext): Promise<boolean> {
  if ((await context.containerd.state({ answered: true })) !== 'ended')
    throw new NothingToActOn('containerd runs already');
  return observed(context, CONTAINERD_TO_ANSWER, async () => {
    const { runtimeVersion } = await context.containerd.start();
    return `containerd ${runtimeVersion}`;
  });
}

/** And so is one that does not end. */
async function endContainerd(context: StepContext, signal: 'TERM' | 'KILL'): Promise<boolean> {
  await askable(context);
  return observed(context, `containerd to end by SIG${signal}`, async () => {
    await context.containerd.end(signal);
    return 'its end';
  });
}

/** Whether what was waited for came about; what keeps the lab from seeing it is thrown on. */
async function observed(context: StepContext, what: string, act: () => Promise<string>): Promise<boolean> {
  const startedMs = context.clock.now();
  const observe = (met: boolean, lastSeen: string) => {
    const waitedMs = context.clock.now() - startedMs;
    context.observe({
      kind: 'waited',
      stepId: context.stepId,
      what,
      met,
      timedOut: false,
      lastSeen,
      waitedMs,
    });
    return met;
  };
  try {
    return observe(true, await act());
  } catch (thrown) {
    if (!(thrown instanceof StartFailed) && !(thrown instanceof NotInTime)) throw thrown;
    return observe(false, thrown.message);
  }
}

import type { Runtime } from '../core/runtime.ts';
import { NotInTime } from '../core/wait-for.ts';
import { installPrograms } from '../nodes/provision.ts';
import { StartFailed } from '../nodes/node-runtime.ts';
import type { RUNTIME_VERBS } from '../spec/verbs/runtime.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import { filesOn } from './plugins.ts';

/** What a start waits for. */
export const toAnswer = ({ name }: Runtime): string => `${name} to answer`;

export const RUNTIME_EFFECTS: VerbEffects<keyof typeof RUNTIME_VERBS> = {
  'stop-runtime': async (context) => void (await endRuntime(context, 'TERM')),
  'kill-runtime': async (context) => void (await endRuntime(context, 'KILL')),
  'start-runtime': async (context) => void (await startRuntime(context)),
  reboot: async (context) => {
    const isDown = await observed(context, 'the end of all processes', async () => {
      await context.runtime.rebootNode();
      return 'the node has rebooted';
    });
    if (isDown) await startRuntime(context);
  },
  'replace-runtime': async (context, { runtime }) => {
    if (!(await endRuntime(context, 'TERM'))) return;
    await installPrograms(filesOn(context), context.artifact(runtime));
    await startRuntime(context);
  },
};

/** Throws if the runtime is known not to run. Then there is nobody to ask, and no answer of the runtime. */
export async function askable({ runtime }: StepContext): Promise<void> {
  if ((await runtime.state({ answered: true })) === 'ended')
    throw new NothingToActOn(`${runtime.kind.name} does not run`);
}

/** If the runtime does not start again, this is a result of the system under test. It is observed and judged. */
async function startRuntime(context: StepContext): Promise<boolean> {
  const { runtime } = context;
  const { name } = runtime.kind;
  if ((await runtime.state({ answered: true })) !== 'ended') throw new NothingToActOn(`${name} runs already`);
  return observed(context, toAnswer(runtime.kind), async () => {
    const { runtimeVersion } = await runtime.start();
    return `${name} ${runtimeVersion}`;
  });
}

/** The same is true if it does not end. */
async function endRuntime(context: StepContext, signal: 'TERM' | 'KILL'): Promise<boolean> {
  await askable(context);
  return observed(context, `${context.runtime.kind.name} to end by SIG${signal}`, async () => {
    await context.runtime.end(signal);
    return 'its end';
  });
}

/** Whether the condition was met. An error that prevents the lab from seeing it is thrown. */
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

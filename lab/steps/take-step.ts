import { LabError } from '../core/lab-error.ts';
import type { PlannedAction } from '../plan/plan.ts';
import { installPrograms } from '../nodes/containerd.ts';
import { createContainer, execContainer, onContainer } from './containers.ts';
import type { StepContext } from './context.ts';
import { removeCniConfig, removeFiles, writeCniConfig, writeFiles } from './files.ts';
import { fakePlugin, filesOn, removePlugins, replacePlugins } from './plugins.ts';
import { forListedPods, removePod, runPod, sandboxId, stopPod } from './pods.ts';
import { waitForCondition } from './wait.ts';

type Take<D extends PlannedAction['do']> = (
  context: StepContext,
  action: Extract<PlannedAction, { do: D }>,
) => Promise<void>;

/** What each word does to a node. A new step is a new word in spec/ and a line here. */
const TAKE: { readonly [D in PlannedAction['do']]: Take<D> } = {
  'run-pod': (context, { pod }) => runPod(context, pod),
  'stop-pod': (context, { pod }) => stopPod(context, pod),
  'remove-pod': (context, action) => removePod(context, action),
  'stop-listed-pods': (context) => forListedPods(context, 'stopp'),
  'remove-listed-pods': (context) => forListedPods(context, 'rmp'),
  'create-container': (context, action) => createContainer(context, action),
  'start-container': (context, { container }) => onContainer(context, { verb: 'start', container }),
  'exec-container': (context, action) => execContainer(context, action),
  'stop-container': (context, { container }) => onContainer(context, { verb: 'stop', container }),
  'remove-container': (context, { container }) => onContainer(context, { verb: 'rm', container }),
  'write-files': (context, { files }) => writeFiles(context, files),
  'remove-files': (context, { nodePaths }) => removeFiles(context, nodePaths),
  'write-cni-config': (context, { files }) => writeCniConfig(context, files),
  'remove-cni-config': (context, { names }) => removeCniConfig(context, names),
  'install-plugins': (context, { plugins }) => replacePlugins(context, plugins),
  'remove-plugins': (context, { plugins }) => removePlugins(context, plugins),
  'fake-plugin': (context, action) => fakePlugin(context, action),
  'stop-containerd': ({ containerd }) => containerd.end('TERM'),
  'kill-containerd': ({ containerd }) => containerd.end('KILL'),
  'start-containerd': (context) => startContainerd(context),
  'replace-containerd': async (context, action) => {
    await context.containerd.end('TERM');
    await installPrograms(filesOn(context), context.artifact(action.containerd));
    await startContainerd(context);
  },
  exec: async (context, { argv, stdin }) => {
    const words = argv.map((word) => context.captures.fill(word));
    await context.run(words, stdin === undefined ? {} : { stdin: context.captures.fill(stdin) });
  },
  connect: async (context, { from, to, send }) => {
    const netns = from === 'node' ? [] : ['--netns', netnsOf(context, from)];
    const sent = send === undefined ? [] : ['--send', context.captures.fill(send)];
    await context.run(['/lab/bin/agent', 'connect', ...netns, ...sent, context.captures.fill(to)]);
  },
  'wait-for': (context, { condition }) => waitForCondition(context, condition),
};

/** Does one thing to the node. Throws NothingToActOn where the system under test left nothing to do it to. */
export function takeStep(context: StepContext, action: PlannedAction): Promise<void> {
  // The table is indexed by the very tag that types the action; TypeScript cannot follow that across a union.
  const take = TAKE[action.do] as Take<typeof action.do>;
  return take(context, action);
}

/** A containerd that does not come up again is the doing of the system under test: observed, and judged. */
async function startContainerd(context: StepContext): Promise<void> {
  const startedMs = context.clock.now();
  const observe = (met: boolean, lastSeen: string) =>
    context.observe({
      kind: 'waited',
      stepId: context.stepId,
      what: 'containerd to answer',
      met,
      timedOut: false,
      lastSeen,
      waitedMs: context.clock.now() - startedMs,
    });
  try {
    const { runtimeVersion } = await context.containerd.start();
    observe(true, `containerd ${runtimeVersion}`);
  } catch (thrown) {
    if (!(thrown instanceof LabError)) throw thrown;
    observe(false, thrown.message);
  }
}

function netnsOf(context: StepContext, pod: string): string {
  sandboxId(context, pod);
  return context.captures.fill(`\${${pod}.netns}`);
}

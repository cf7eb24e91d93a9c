import type { PlannedAction } from '../plan/plan.ts';
import { installPrograms } from '../nodes/containerd.ts';
import { CRI_VERBS } from '../spec/scenario.ts';
import { createContainer, execContainer, onContainer } from './containers.ts';
import type { StepContext } from './context.ts';
import { removeCniConfig, removeFiles, writeCniConfig, writeFiles } from './files.ts';
import { fakePlugin, filesOn, removePlugins, replacePlugins } from './plugins.ts';
import { forListedPods, removePod, runPod, sandboxId, stopPod } from './pods.ts';
import { NothingToActOn } from './nothing-to-act-on.ts';
import { askable, endContainerd, startContainerd } from './runtime.ts';
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
  'stop-containerd': async (context) => void (await endContainerd(context, 'TERM')),
  'kill-containerd': async (context) => void (await endContainerd(context, 'KILL')),
  'start-containerd': async (context) => void (await startContainerd(context)),
  'replace-containerd': async (context, action) => {
    if (!(await endContainerd(context, 'TERM'))) return;
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
    const argv = ['/lab/bin/agent', 'connect', ...netns, ...sent, context.captures.fill(to)];
    const { exitCode, stderr } = await context.run(argv);
    if (exitCode === COULD_NOT_TRY) throw new NothingToActOn(stderr.toString().trim());
  },
  'wait-for': (context, { condition }) => waitForCondition(context, condition),
};

/** Of `agent connect`: no connection was tried. */
const COULD_NOT_TRY = 69;

/** Does one thing to the node. Throws NothingToActOn where the system under test left nothing to do it to. */
export async function takeStep(context: StepContext, action: PlannedAction): Promise<void> {
  // The table is indexed by the very tag that types the action; TypeScript cannot follow that across a union.
  const take = TAKE[action.do] as Take<typeof action.do>;
  if (CRI_VERBS.some((verb) => verb === action.do)) await askable(context);
  await take(context, action);
}

function netnsOf(context: StepContext, pod: string): string {
  sandboxId(context, pod);
  return context.captures.fill(`\${${pod}.netns}`);
}

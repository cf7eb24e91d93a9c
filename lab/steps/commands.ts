import type { COMMAND_VERBS } from '../spec/verbs/commands.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import { sandboxId } from './pods.ts';

export const COMMAND_EFFECTS: VerbEffects<keyof typeof COMMAND_VERBS> = {
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
};

/** Of `agent connect`: no connection was tried. */
const COULD_NOT_TRY = 69;

function netnsOf(context: StepContext, pod: string): string {
  sandboxId(context, pod);
  return context.captures.fill(`\${${pod}.netns}`);
}

import { cannotFollow } from '../core/fake-plugin.ts';
import type { COMMAND_VERBS } from '../spec/verbs/commands.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import { sandboxId } from './pods.ts';
import type { CommandResult } from '../core/ports.ts';
import { LabError } from '../core/lab-error.ts';
import { lackedBy } from '../nodes/kernel-kinds.ts';
import type { LabNode } from '../nodes/node.ts';

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

/**
 * Throws where a command failed for what the lab or its host lacks. Without something in the kernel nothing that follows
 * shows anything either, so that ends the run; without a verb of crictl it is this step alone that cannot be taken.
 */
export async function notItsFault(
  node: Pick<LabNode, 'exec' | 'name'>,
  result: CommandResult,
): Promise<void> {
  const lacking = lackingInOwnCrictl(result);
  if (lacking !== undefined) throw new NothingToActOn(lacking);
  const broken = cannotFollow(`${result.stdout}\n${result.stderr}`);
  if (broken !== undefined) throw new LabError(broken);
  const missing = await lackedBy(result, (argv, options) =>
    node.exec(argv, { ...options, timeoutMs: 30_000 }),
  );
  if (missing === undefined) return;
  throw new LabError(
    `the kernel of ${node.name} does not have ${missing}, without which this fails: ${result.argv.join(' ')}; ` +
      'run it with `--backend vm`, which has a kernel of its own, and there perhaps with another `--kernel`',
  );
}

/** What our own crictl says of a verb or a flag that only the official one has; images/node-tools/cmd/crictl/lacking.go. */
const lackingInOwnCrictl = ({ exitCode, stderr }: CommandResult): string | undefined =>
  exitCode === 0 ? undefined : /this crictl is cnilab's own and has no .*/.exec(stderr)?.[0];

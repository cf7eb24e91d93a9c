import type { CommandResult } from '../core/ports.ts';
import { LabError } from '../core/lab-error.ts';
import { lackedBy } from '../nodes/kernel-kinds.ts';
import type { LabNode } from '../nodes/node.ts';
import { NothingToActOn } from './context.ts';

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

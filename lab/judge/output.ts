import type { Bindings } from '../match/bindings.ts';
import { judgeEach } from './each.ts';
import type { StepFacts } from './facts.ts';
import { judgeText } from './judge-text.ts';
import { pasteable } from '../core/shown.ts';
import type { Judged } from './subject.ts';

/**
 * What the step's command printed; of several, each must have printed it. A line break at its end counts where the expected
 * text has one at its own.
 */
export function judgeOutput({ step, commands }: StepFacts, bindings: Bindings): Judged {
  const { output } = step.expect;
  if (output === undefined) return { findings: [], bindings };
  if (commands.length === 0) {
    const message = 'no command was run, expected one with output';
    return {
      findings: [{ check: 'output', outcome: 'inconclusive', stepId: step.id, place: output.place, message }],
      bindings,
    };
  }
  const wanted = 'exact' in output ? output.exact : output.contains;
  return judgeEach(commands, bindings, {
    commandOf: (command) => command,
    judgeOne: ({ result }, known) =>
      judgeText(output, wanted.endsWith('\n') ? result.stdout : result.stdout.replace(/\n$/, ''), {
        check: 'output',
        stepId: step.id,
        subject: 'output',
        bindings: known,
        context: [`printed by ${pasteable(result.argv)}`],
      }),
  });
}

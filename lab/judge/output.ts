import type { Bindings } from '../match/bindings.ts';
import { pasteable } from './failures.ts';
import type { StepFacts } from './facts.ts';
import { judgeText } from './judge-text.ts';
import type { Judged } from './subject.ts';

/** What the step's last command printed; a line break at its end counts where the expected text has one at its own. */
export function judgeOutput({ step, commands }: StepFacts, bindings: Bindings): Judged {
  const { output } = step.expect;
  if (output === undefined) return { findings: [], bindings };
  const result = commands.at(-1)?.result;
  if (result === undefined) {
    const message = 'no command was run, expected one with output';
    return {
      findings: [{ check: 'output', outcome: 'inconclusive', stepId: step.id, place: output.place, message }],
      bindings,
    };
  }
  const wanted = 'exact' in output ? output.exact : output.contains;
  const printed = wanted.endsWith('\n') ? result.stdout : result.stdout.replace(/\n$/, '');
  return judgeText(output, printed, {
    check: 'output',
    stepId: step.id,
    subject: 'output',
    bindings,
    context: [`printed by ${pasteable(result.argv)}`],
  });
}

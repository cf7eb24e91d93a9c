import type { TextExpectation } from '../spec/scenario.ts';
import type { Bindings } from '../match/bindings.ts';
import { positionOf, showDifference } from './difference.ts';
import { matchExpectation } from '../match/text.ts';
import type { Judged } from './subject.ts';
import type { CheckName } from './verdict.ts';

interface About {
  readonly check: CheckName;
  readonly stepId: string;
  /** what the text is: `error`, `output` */
  readonly subject: string;
  readonly bindings: Bindings;
  /** further lines below a difference */
  readonly context?: readonly string[];
}

/** One text that the system gave, against what the file says of it; a difference is shown with its pointer. */
export function judgeText(expectation: TextExpectation, actual: string, about: About): Judged {
  const { check, stepId, subject, bindings, context = [] } = about;
  const { place } = expectation;
  const match = matchExpectation(expectation, actual, bindings);
  if (match.matched) {
    const how = 'exact' in expectation ? 'is exactly as expected' : 'contains what is expected';
    const finding = { check, outcome: 'pass', stepId, place, message: `${subject} ${how}` } as const;
    return { findings: [finding], bindings: match.bindings };
  }
  const { at, expectedAt, expected } = match;
  if (match.undecided === true) {
    const unknown = `whether ${subject} is as expected is not known: there are too many ways to fill in the names`;
    return {
      findings: [{ check, outcome: 'inconclusive', stepId, place, message: unknown, expected, actual }],
      bindings,
    };
  }
  const message =
    'exact' in expectation
      ? `${subject} differs at character ${positionOf({ actual, at })}`
      : `${subject} does not contain what is expected; the nearest part differs at character ${positionOf({ actual, at })}`;
  const detail = [...showDifference({ expected, expectedAt, actual, at }), ...context];
  return {
    findings: [{ check, outcome: 'fail', stepId, place, message, expected, actual, detail }],
    bindings,
  };
}

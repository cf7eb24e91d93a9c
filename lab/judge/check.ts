import type { ClusterLook } from '../core/cluster-state.ts';
import type { NodeState } from '../core/node-state.ts';
import type { Expectation, TextExpectation } from '../spec/scenario.ts';
import { type Bindings, bind } from '../match/bindings.ts';
import type { KnownCalls, RunFacts, Seen } from './facts.ts';
import type { Finding, CheckName } from './verdict.ts';
import { positionOf, showDifference } from './difference.ts';
import { matchExpectation } from '../match/text.ts';

/** What expectations are checked against: one step, or the complete run at its end. */
export interface Subject {
  /** the id of a step, or `end` */
  readonly stepId: string;
  readonly expect: Expectation;
  /** the state of the node at that time */
  readonly state: NodeState | undefined;
  /** the cluster at that time, in a run that has one; undefined if nobody looked */
  readonly cluster?: ClusterLook | undefined;
  /** the part of the runtime log that belongs to it; undefined if no log was collected */
  readonly log: string | undefined;
  /** the pod that the step is about */
  readonly pod: string | undefined;
  /** the container that the step is about */
  readonly container: string | undefined;
  /** the plugin calls that belong to it */
  readonly calls: KnownCalls;
  readonly facts: RunFacts;
  readonly bindings: Bindings;
}

/** Findings, and the names that the matched texts have bound. */
export interface Judged {
  readonly findings: readonly Finding[];
  readonly bindings: Bindings;
}

const LISTED = 'listed.id';

/**
 * Checks one expectation against each of several things. It must hold for all of them. `${listed.id}` is the pod that
 * one command is about. Every failure is reported; success is reported once.
 */
export function judgeEach<T>(
  things: readonly T[],
  bindings: Bindings,
  {
    commandOf,
    judgeOne,
  }: {
    readonly commandOf: (thing: T) => Seen<'command'> | undefined;
    readonly judgeOne: (thing: T, known: Bindings) => Judged;
  },
): Judged {
  const judged = things.reduce<Judged>(
    (before, thing) => {
      const listed = commandOf(thing)?.id;
      const known = listed === undefined ? before.bindings : bind(before.bindings, [[LISTED, listed]]);
      const after = judgeOne(thing, known);
      const without = [...after.bindings].filter(([name]) => name !== LISTED);
      return { findings: [...before.findings, ...after.findings], bindings: new Map(without) };
    },
    { findings: [], bindings },
  );
  const wrong = judged.findings.filter(({ outcome }) => outcome !== 'pass');
  return { findings: wrong.length > 0 ? wrong : judged.findings.slice(0, 1), bindings: judged.bindings };
}

interface About {
  readonly check: CheckName;
  readonly stepId: string;
  /** what the text is: `error`, `output` */
  readonly subject: string;
  readonly bindings: Bindings;
  /** further lines below a difference */
  readonly context?: readonly string[];
}

/** Compares a text from the system with the text in the file. A difference is shown with a pointer. */
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

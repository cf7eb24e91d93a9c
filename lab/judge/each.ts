import { bind, type Bindings } from '../match/bindings.ts';
import type { Seen } from './facts.ts';
import type { Judged } from './subject.ts';

const LISTED = 'listed.id';

/**
 * One expectation held against each of several things, of which all must be so; `${listed.id}` is what the one command is
 * about. What is wrong is all told, what is right once.
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

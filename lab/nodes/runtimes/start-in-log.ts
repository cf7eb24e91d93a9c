import type { Runtime } from '../../core/runtime.ts';

const LAST_LINES = 3;

export interface StartWords {
  /** matches the first line that each start writes */
  readonly begins: RegExp;
  /** matches a line with which it ends by itself */
  readonly givesUp: RegExp;
  /** whether a line says why it runs without CRI */
  readonly withoutCri?: (line: string) => boolean;
}

/** The lines of the last start in a log: why the runtime gave up or, if it did not, why CRI is not available. */
export function startInLog({
  begins,
  givesUp,
  withoutCri = () => false,
}: StartWords): Pick<Runtime, 'reasonsNotStarted' | 'whyNotStarted'> {
  const linesOf = (log: string): readonly string[] => {
    const began = [...log.matchAll(new RegExp(begins, 'g'))].at(-1)?.index ?? -1;
    return log
      .slice(began < 0 ? 0 : log.lastIndexOf('\n', began) + 1)
      .split('\n')
      .filter((line) => line !== '');
  };
  const reasonsNotStarted = (log: string): readonly string[] => {
    const lines = linesOf(log);
    const last = lines.filter((line) => givesUp.test(line));
    return last.length > 0 ? last : lines.filter(withoutCri);
  };
  return {
    reasonsNotStarted,
    whyNotStarted: (log) => {
      const reasons = reasonsNotStarted(log);
      return reasons.length > 0 ? reasons : linesOf(log).slice(-LAST_LINES);
    },
  };
}

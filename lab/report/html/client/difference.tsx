import type { FindingView } from './data.ts';

/** Width of the label in front of both texts, as the judge writes it: `expected  `, `actual    `. */
const LABEL = 10;

interface Compared {
  readonly expected: string;
  readonly actual: string;
  /** position of the first difference in each; -1 if there is none to show */
  readonly expectedAt: number;
  readonly actualAt: number;
  readonly says: string;
}

/**
 * Expected and actual with the first differing character. If the judge has written a pointer below the two texts, its
 * position is used, because only the judge knows which names an expectation contains.
 */
export function comparedIn({ expected, actual, detail }: FindingView): Compared | undefined {
  const at = detail.findIndex((line) => /^ {10,}\^ /.test(line));
  const [first, second, pointer] = at < 2 ? [] : detail.slice(at - 2, at + 1);
  if (first !== undefined && second !== undefined && pointer !== undefined) {
    const caret = pointer.indexOf('^');
    return {
      expected: first.slice(LABEL),
      actual: second.slice(LABEL),
      expectedAt: caret - LABEL,
      actualAt: caret - LABEL,
      says: pointer.slice(caret + 2),
    };
  }
  if (expected === undefined || actual === undefined) return undefined;
  let same = 0;
  while (same < expected.length && same < actual.length && expected[same] === actual[same]) same += 1;
  const isWhole = same === 0 || (same === expected.length && same === actual.length);
  return { expected, actual, expectedAt: isWhole ? -1 : same, actualAt: isWhole ? -1 : same, says: '' };
}

/** The lines of the detail that do not belong to the difference. */
export function otherDetail({ detail }: FindingView): readonly string[] {
  const at = detail.findIndex((line) => /^ {10,}\^ /.test(line));
  return at < 2 ? detail : [...detail.slice(0, at - 2), ...detail.slice(at + 1)];
}

export const Difference = ({ expected, actual, expectedAt, actualAt, says }: Compared) => (
  <table class="difference">
    <tbody>
      <tr>
        <th scope="row">expected</th>
        <td>
          <Marked text={expected} at={expectedAt} />
        </td>
      </tr>
      <tr>
        <th scope="row">actual</th>
        <td>
          <Marked text={actual} at={actualAt} />
        </td>
      </tr>
      {says === '' ? null : (
        <tr>
          <th scope="row">note</th>
          <td>{says}</td>
        </tr>
      )}
    </tbody>
  </table>
);

function Marked({ text, at }: { readonly text: string; readonly at: number }) {
  if (at < 0) return <code>{text}</code>;
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0x20);
  return (
    <code>
      {text.slice(0, at)}
      <mark title="first difference">{at < text.length ? character : ' '}</mark>
      {text.slice(at + character.length)}
    </code>
  );
}

import { describe, expect, test } from 'vitest';

import type { JournalEntry } from '../../lab/observe/observation.ts';
import { fitPointer, glanceAt, summaryOf, withNames } from '../../lab/report/glance.ts';
import { wrap } from '../../lab/report/terminal.ts';
import { showDifference } from '../../lab/judge/difference.ts';
import {
  crictlError,
  expecting,
  item,
  journalOf,
  planned,
  ran,
  result,
  runPod,
  state,
  stopPod,
} from '../rig/recorded-run.ts';
import { judge } from '../rig/judged.ts';

const ID = 'b'.repeat(64);
const AT = { file: 'web.yaml', line: 30, column: 1 };
const RUNP = ['crictl', 'runp', '/lab/pods/web.json'];
const error = `failed to destroy network for sandbox "${ID}": invalid version "": the version is empty`;
const left = [
  item('netns', 'cni-1'),
  item('ipam', 'net/10.88.0.2'),
  item('iptables', 'a'),
  item('iptables', 'b'),
];
const time = (text: string) => `time="2026-01-01T10:00:00.250000000Z" ${text}`;

/** stop-pod fails, so the pod and its resources remain. With `others`, another pod does not start either. */
function glance({ others = false, columns = 80 } = {}) {
  const other = { do: 'run-pod', pod: 'db' } as const;
  const run = planned({
    steps: [[runPod], [stopPod], ...(others ? ([[other]] as const) : [])],
    end: expecting({ leftBehind: { none: true, place: AT }, pods: 'none' }),
  });
  const stopped = result(['crictl', 'stopp', ID], { exitCode: 1, stderr: crictlError(error) });
  const refused = result(['crictl', 'runp', '/lab/pods/db.json'], {
    exitCode: 1,
    stderr: crictlError('no room'),
  });
  const capture: JournalEntry = { kind: 'capture', stepId: '1-run-pod', name: 'web.id', value: ID, atMs: 1 };
  const entries = journalOf(run, {
    steps: [
      { seen: [ran('1-run-pod', result(RUNP)), capture], state: state(left) },
      {
        seen: [ran('2-stop-pod', stopped)],
        state: state(left),
        log: [
          time(`level=info msg="StopPodSandbox for \\"${ID}\\""`),
          time(`level=error msg="StopPodSandbox for \\"${ID}\\" failed" error=${JSON.stringify(error)}`),
          '',
        ].join('\n'),
      },
      ...(others ? [{ seen: [ran('3-run-pod', refused)], state: state(left) }] : []),
    ],
  });
  const { findings, outcome } = judge(run, entries);
  return glanceAt({ run, findings, outcome, entries, columns });
}

describe('a run that failed', () => {
  test('shows the first wrong step in full, with names in place of ids, and one line for each consequence', () => {
    expect(glance()).toEqual({
      problems: [
        {
          stepId: '2-stop-pod',
          headline: '2-stop-pod failed, expected success',
          place: 'web.yaml:20:5',
          at: { file: 'web.yaml', line: 20, column: 5 },
          lines: [
            'command exited with 1: crictl stopp <web>',
            'it said  failed to destroy network for sandbox "<web>": invalid version "": the version is empty',
            `to expect it  error: 'failed to destroy network for sandbox "\${web.id}": invalid version "": the version is empty'`,
          ],
          log: ['10:00:00.250 error StopPodSandbox for "<web>" failed: (the same error)'],
        },
      ],
      follows: [
        { stepId: 'end', line: 'end: left behind: netns, ipam 10.88.0.2, 2 iptables, all since 1-run-pod' },
      ],
    });
  });

  test('shows a step about another pod as a separate problem', () => {
    expect(glance({ others: true }).problems.map(({ headline }) => headline)).toEqual([
      '2-stop-pod failed, expected success',
      '3-run-pod failed, expected success',
    ]);
  });
});

test('a pod that did not start has its name too', () => {
  const run = planned({ steps: [[runPod, expecting()]] });
  const error = `failed to setup network for sandbox "${ID}": cni plugin not initialized`;
  const failed = result(['crictl', 'runp', '/lab/pods/web.json'], {
    exitCode: 1,
    stderr: crictlError(error),
  });
  const entries = journalOf(run, { steps: [{ seen: [ran('1-run-pod', failed)] }] });
  const { findings, outcome } = judge(run, entries);
  const [problem] = glanceAt({ run, findings, outcome, entries, columns: 100 }).problems;
  expect(problem?.lines).toContain(
    'it said  failed to setup network for sandbox "<web>": cni plugin not initialized',
  );
});

test('what is left behind is named by its kind, grouped by the step in which it appeared', () => {
  const items = [
    { kind: 'netns', name: 'cni-1', since: '1-run-pod' },
    { kind: 'ipam', name: 'net/10.88.0.2', since: '1-run-pod' },
    { kind: 'veth', name: 'veth1', since: '3-run-pod' },
  ] as const;
  expect(summaryOf(items, [])).toBe('netns, ipam 10.88.0.2 since 1-run-pod; veth since 3-run-pod');
  expect(summaryOf(items.slice(2), [])).toBe('veth, since 3-run-pod');
});

test('ids without a name are cut to eight characters, UUIDs too', () => {
  expect(withNames(`${ID} ${'c'.repeat(64)} cni-d9925939-f9dd-d0d8-aeff-764e986ac316`, [[ID, 'web']])).toBe(
    '<web> cccccccc… cni-d9925939…',
  );
});

describe('on a narrow terminal', () => {
  test('the pointer stays below the first difference', () => {
    const [head, tail] = ['x'.repeat(90), 'y'.repeat(90)];
    const lines = showDifference({
      expected: `${head}a${tail}`,
      expectedAt: 90,
      actual: `${head}b${tail}`,
      at: 90,
    }).filter((line) => !line.startsWith('actual in full'));
    for (const columns of [100, 80, 50, 30]) {
      const [expected = '', actual = '', pointer = ''] = fitPointer(lines, columns);
      const at = pointer.indexOf('^');
      expect([expected[at], actual[at]]).toEqual(['a', 'b']);
      expect(Math.max(expected.length, actual.length)).toBeLessThanOrEqual(Math.max(30, columns));
    }
  });

  test('a long line is wrapped between words, and a line to copy is not wrapped', () => {
    expect(wrap('  one two three four', 14)).toEqual(['  one two', '      three', '      four']);
    expect(wrap("  to expect it  error: 'one two three'", 14)).toEqual([
      "  to expect it  error: 'one two three'",
    ]);
  });
});

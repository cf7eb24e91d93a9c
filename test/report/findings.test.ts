import { expect, test } from 'vitest';

import { findingsPage, findingsTable } from '../../lab/report/findings.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { exactly, expecting, planned, runPod, stopPod } from '../rig/recorded-run.ts';
import { scenarioOf } from '../spec/read.ts';

const scenario = scenarioOf(`name: stops
summary: Not every pod stops
finding: The document says all of them | and is wrong
references: [https://example.org/page]
node: { containerd: 1.6.4 }
steps: [{ run-pod: web }, { stop-pod: web }]
`);

/** A cell in which the pod can be stopped, or fails to stop with this error. */
function cell(version: string, said?: string, more: Readonly<Record<string, string>> = {}): RunPlan {
  const expect = said === undefined ? {} : { error: exactly(said) };
  const run = planned({
    title: `stops containerd=${version}`,
    cell: { containerd: version, ...more },
    steps: [
      [runPod, expecting({ networkReady: { place: scenario.place, ready: true } })],
      [stopPod, expecting(expect)],
    ],
  });
  const nodes = run.nodes.map((node) => ({ ...node, runtime: { ...node.runtime, version } }));
  return { ...run, nodes };
}

test('cells with the same result are grouped, with the exact text, and equal results of all cells are left out', () => {
  const said = 'sandbox "${web.id}" stays';
  const runs = [
    cell('1.6.2', said),
    cell('1.6.3', said),
    cell('1.6.20', said),
    cell('1.7.24'),
    cell('2.1.9', said),
  ];
  const page = findingsPage([{ scenario, runs }]);
  expect(page.slice(page.indexOf('## stops'))).toBe(`## stops

Not every pod stops.

The document says all of them | and is wrong.

\`npx cnilab run stops\` shows it ([the file](${scenario.place.file})). See <https://example.org/page>.

**containerd 1.6.2 to 1.6.20, 2.1.9**

- \`2-stop-pod web\` fails

  \`\`\`text
  sandbox "\${web.id}" stays
  \`\`\`

**containerd 1.7.24**

- \`2-stop-pod web\` succeeds
`);
});

test('versions of two runtimes are named apart', () => {
  const crio = cell('1.34.0', 'stays');
  const onCrio: RunPlan = {
    ...crio,
    cell: { crio: '1.34.0' },
    nodes: crio.nodes.map((node) => ({ ...node, runtime: { component: 'crio', version: '1.34.0' } })),
  };
  const page = findingsPage([{ scenario, runs: [cell('1.6.2', 'stays'), cell('1.6.3'), onCrio] }]);
  expect(page).toContain('**containerd 1.6.2; crio 1.34.0**');
  expect(page).toContain('**containerd 1.6.3**');
});

test('cells with several axes are named by all their combinations', () => {
  const axes = ['1.0.0', '1.1.0'].flatMap((config) =>
    ['1.6.4', '2.1.9'].map((version) =>
      cell(version, config === '1.1.0' && version === '2.1.9' ? 'no' : undefined, { config }),
    ),
  );
  const page = findingsPage([{ scenario, runs: axes }]);
  expect(page.split('\n').filter((line) => line.startsWith('**'))).toEqual([
    '**containerd 1.6.4; or containerd 2.1.9, `config` 1.0.0**',
    '**containerd 2.1.9, `config` 1.1.0**',
  ]);
});

test('the table has a row for each scenario, and one for the controls', () => {
  const { finding: _, ...without } = scenario;
  expect(findingsTable([{ scenario, runs: [] }]).split('\n')[2]).toBe(
    '| `stops` | The document says all of them \\| and is wrong |',
  );
  expect(findingsTable([{ scenario: without, runs: [] }])).toContain('| `stops` | Not every pod stops |');
});

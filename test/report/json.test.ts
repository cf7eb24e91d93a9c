import { expect, test } from 'vitest';

import { createJsonReporter } from '../../lab/report/json.ts';
import { failing, passing, session, tell } from '../rig/sessions.ts';

async function json(events: ReturnType<typeof session>): Promise<unknown> {
  let text = '';
  await tell(createJsonReporter({ write: (more) => void (text += more) }), events);
  return JSON.parse(text);
}

test('one document has the session, its runs and their findings', async () => {
  const { run } = passing('1.6.4');
  const events = session([failing('1.6.3')], [run]);
  const findings = events.find((event) => event.kind === 'run-ended')?.verdict.findings;
  expect(await json([...events, { kind: 'notice', message: 'a note' }])).toEqual({
    formatVersion: 1,
    outcome: 'fail',
    backend: 'bare',
    durationMs: 1920,
    outputHostPath: '/out/s1',
    notices: ['a note'],
    totals: { pass: 0, fail: 1, inconclusive: 0, flaky: 0, notRun: 1 },
    runs: [
      {
        title: 'reserved containerd=1.6.3',
        slug: 'reserved-containerd-1.6.3',
        scenario: 'reserved',
        file: 'web.yaml',
        cell: { containerd: '1.6.3' },
        outcome: 'fail',
        durationMs: 612,
        outputHostPath: '/out/s1/reserved-containerd-1.6.3',
        artifacts: [{ name: 'containerd', version: '1.6.3', source: 'gomod', key: 'k', madeBy: 'go 1.26' }],
        findings,
      },
      {
        title: 'reserved containerd=1.6.4',
        slug: 'reserved-containerd-1.6.4',
        scenario: 'reserved',
        file: 'web.yaml',
        cell: { containerd: '1.6.4' },
        outcome: null,
      },
    ],
  });
});

test('a session that did not end is inconclusive, whatever its runs were', async () => {
  const events = session([passing('1.6.3')]).filter(({ kind }) => kind !== 'session-ended');
  expect(await json([...events, { kind: 'interrupted', by: 'SIGINT' }])).toMatchObject({
    outcome: 'inconclusive',
    interruptedBy: 'SIGINT',
    totals: { pass: 1, fail: 0, inconclusive: 0, flaky: 0, notRun: 0 },
  });
});

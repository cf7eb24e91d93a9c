import { expect, test } from 'vitest';

import { judge } from '../rig/judged.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import {
  at,
  exactly,
  expecting,
  journalOf,
  planned,
  ran,
  result,
  sandbox,
  state,
} from '../rig/recorded-run.ts';
import { without, withoutEachKind, withoutEachLine } from '../rig/shorter-journals.ts';

const command = ['true'];
const plugins = { overrides: [] };
const place = { file: 'web.yaml', line: 1, column: 1 };
/** One step for each verb that needs no other step. */
const VERBS: readonly PlannedAction[] = [
  { do: 'run-pod', pod: 'web' },
  { do: 'create-container', container: 'app', pod: 'web', command },
  { do: 'start-container', container: 'app' },
  { do: 'exec-container', container: 'app', command },
  { do: 'stop-container', container: 'app' },
  { do: 'remove-container', container: 'app' },
  { do: 'stop-pod', pod: 'web' },
  { do: 'remove-pod', pod: 'web', force: false },
  { do: 'write-files', files: [] },
  { do: 'remove-files', nodePaths: [] },
  { do: 'write-cni-config', files: [] },
  { do: 'remove-cni-config', names: [] },
  { do: 'install-plugins', plugins },
  { do: 'remove-plugins', plugins: [] },
  { do: 'fake-plugin', plugin: 'bridge', script: { content: '' } },
  { do: 'exec', argv: command },
  { do: 'connect', from: 'node', to: '127.0.0.1:1' },
  { do: 'wait-for', condition: { until: 'network-ready', network: { place: at(19), ready: true } } },
  { do: 'stop-runtime' },
  { do: 'start-runtime' },
  { do: 'reboot' },
  { do: 'replace-runtime', runtime: { component: 'containerd', version: '1.6.4' } },
];
/** Without its first line it is not a journal, and the reader of journals reports that. */
const REFUSED = ['every run-started', 'run-started'];

const whole = planned({ steps: VERBS.map((action) => [action]), end: expecting({ log: [], pods: 'none' }) });
const entries = journalOf(whole, {
  steps: VERBS.map((action) => ({ runtime: action.do === 'stop-runtime' ? 'ended' : 'running' })),
});

test('a run with a complete journal passes', () => {
  expect(judge(whole, entries).findings.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
});

test('a run without any one of its lines does not pass, whatever the last line is', () => {
  const passed = [...withoutEachKind(entries), ...withoutEachLine(entries)]
    .filter((one) => judge(whole, one.entries).outcome === 'pass')
    .map((one) => one.without);
  expect(passed.filter((what) => !REFUSED.includes(what))).toEqual([]);
});

test('a journal with a different number of lines than its last line has lost some', () => {
  const lost = judge(whole, entries.slice(0, 1).concat(entries.slice(2)));
  expect(lost.outcome).toBe('inconclusive');
  expect(lost.findings.find(({ check }) => check === 'ran')?.message).toBe(
    `the run did not come to its end: its journal has ${entries.length - 1} lines, and its last one says that there are ${entries.length}`,
  );
});

test('the missing entry is named', () => {
  const run = planned({ steps: [[{ do: 'exec', argv: command }, expecting({ ok: false })]] });
  const { outcome, findings } = judge(
    run,
    without(journalOf(run), ({ kind }) => kind === 'command'),
  );
  expect([outcome, findings[0]?.message]).toEqual([
    'inconclusive',
    'the journal does not show that the step was taken: it lacks the command',
  ]);
});

test('each listed pod has a command, and a list that nobody saw is missing', () => {
  const action = { do: 'stop-listed-pods' } as const;
  const run = planned({ steps: [[action, expecting({ place, output: exactly('') })]] });
  const start = state([sandbox('a'), sandbox('b')]);
  const stopp = (id: string) => ran('1-stop-listed-pods', result(['crictl', 'stopp', id]), { id });
  const on = (ids: readonly string[], before = start) =>
    judge(run, journalOf(run, { start: before, steps: [{ seen: ids.map(stopp) }] })).findings[0]?.message;
  expect(on(['a', 'b'])).toBe('succeeded, as expected');
  expect(on(['a'])).toBe('the journal does not show that the step was taken: it lacks a command for b');
  expect(on([], state([], [{ kind: 'sandbox', why: 'no' }]))).toBe(
    'the journal does not show that the step was taken: it lacks which pods were listed',
  );
});

test('a runtime that ran before a step and has ended after it has a line with the reason', () => {
  const run = planned({ steps: [[{ do: 'exec', argv: command }, expecting({ runtime: 'ended', place })]] });
  const crash = { kind: 'runtime-ended', stepId: '1-exec', exitCode: 1, signal: null, asked: false } as const;
  const seen = [ran('1-exec', result(command)), crash];
  const whole = journalOf(run, { steps: [{ runtime: 'ended', seen }] });
  expect(judge(run, whole).outcome).toBe('pass');
  const { outcome, findings } = judge(
    run,
    without(whole, ({ kind }) => kind === 'runtime-ended'),
  );
  expect([outcome, findings[0]?.message]).toEqual([
    'inconclusive',
    'the journal does not show that the step was taken: it lacks the end of the runtime',
  ]);
});

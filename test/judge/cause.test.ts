import { expect, test } from 'vitest';
import { judge } from '../rig/judged.ts';
import type { ClusterLook } from '../../lab/core/cluster-state.ts';
import type { Observation } from '../../lab/observe/observation.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import {
  at,
  crictlError,
  exactly,
  expecting,
  journalOf,
  planned,
  ran,
  result,
  runPod,
  stopPod,
} from '../rig/recorded-run.ts';

const RUNP = ['crictl', 'runp', '/lab/pods/web.json'];
const failed = result(RUNP, { exitCode: 1, stderr: crictlError('no') });
const notRun = (stepId: string, why: string): Observation => ({ kind: 'not-run', stepId, why });

/** A pod that does not start, and later steps that refer to it in different ways. */
function findings(first: Expectation | undefined, ofStop: Expectation | undefined) {
  const run = planned({
    steps: [
      [runPod, first],
      [{ do: 'create-container', container: 'app', pod: 'web', command: ['true'] }],
      [{ do: 'exec-container', container: 'app', command: ['true'] }],
      [{ do: 'exec', argv: ['ping', '${web.ip}'] }],
      [stopPod, ofStop],
    ],
  });
  const steps = [
    { seen: [ran('1-run-pod', failed)] },
    { seen: [notRun('2-create-container', 'no sandbox of pod web was ever listed')] },
    { seen: [notRun('3-exec-container', 'container app was not created')] },
    { seen: [notRun('4-exec', '${web.ip} is not known')] },
    { seen: [notRun('5-stop-pod', 'no sandbox of pod web was ever listed')] },
  ];
  const verdict = judge(run, journalOf(run, { steps }));
  const outcomes = verdict.findings.filter(({ outcome }) => outcome !== 'pass');
  return [
    verdict.outcome,
    ...outcomes.map(({ stepId, check, outcome, causedBy, message }) =>
      [stepId, check, outcome, causedBy ?? '-', message].join(' '),
    ),
  ];
}

test('consequences for later steps are attributed to the step in which the pod did not start', () => {
  expect(findings(undefined, expecting({ pod: { state: 'not-ready' } }))).toEqual([
    'fail',
    '1-run-pod ok fail - failed, expected success',
    '2-create-container ran inconclusive 1-run-pod the step could not be taken: no sandbox of pod web was ever listed',
    '3-exec-container ran inconclusive 1-run-pod the step could not be taken: container app was not created',
    '4-exec ran inconclusive 1-run-pod the step could not be taken: ${web.ip} is not known',
    '5-stop-pod ran inconclusive 1-run-pod the step could not be taken: no sandbox of pod web was ever listed',
    '5-stop-pod pod fail 1-run-pod pod web is { state: absent }, expected { state: not-ready }',
  ]);
});

test('if the lab lacks what a step needs, later failures do not count, but a crash of the runtime and earlier failures do', () => {
  const ready = expecting({ pod: { state: 'ready' } });
  const run = planned({ steps: [[{ do: 'exec', argv: ['true'] }], [runPod, ready], [stopPod, ready]] });
  const judged = (first: Observation, second: readonly Observation[] = []) => {
    const steps = [
      { seen: [first] },
      { seen: [{ ...notRun('2-run-pod', 'no CRI v1'), untried: true }, ...second] },
      { seen: [notRun('3-stop-pod', 'no sandbox of pod web was ever listed')] },
    ];
    return judge(run, journalOf(run, { steps }));
  };
  const passed = ran('1-exec', result(['true']));
  const { outcome, findings } = judged(passed);
  expect(outcome).toBe('inconclusive');
  expect(findings.filter(({ check }) => check === 'pod').map(({ message }) => message)).toEqual([
    'pod web is { state: absent }, expected { state: ready }; this does not count, because 2-run-pod could not be taken',
    'pod web is { state: absent }, expected { state: ready }; this does not count, because 2-run-pod could not be taken',
  ]);
  expect(judged(ran('1-exec', result(['true'], { exitCode: 1 }))).outcome).toBe('fail');
  const crash = {
    kind: 'runtime-ended',
    stepId: '2-run-pod',
    exitCode: 2,
    signal: null,
    asked: false,
  } as const;
  expect(judged(passed, [crash]).outcome).toBe('fail');
});

test('what fails without an API server does not count, but what failed before it ended does', () => {
  const apply = {
    do: 'apply',
    manifests: [{ name: 'manifest', content: 'kind: Pod', place: at(1) }],
  } as const;
  const ready = expecting({ pod: { state: 'ready' } });
  const refused = 'The connection to the server 10.89.0.1:6443 was refused';
  const unseen = 'kube-apiserver on control-plane ended by SIGKILL';
  const judged = (expect: Expectation, { look, first = 0 }: { look: ClusterLook; first?: number }) => {
    const run = planned({ steps: [[{ do: 'exec', argv: ['true'] }], [apply, expect], [stopPod, ready]] });
    const kubectl = result(['kubectl', 'apply', '--filename', '-'], { exitCode: 1, stderr: `${refused}\n` });
    const steps = [
      { seen: [ran('1-exec', result(['true'], { exitCode: first }))] },
      {
        seen: [
          ran('2-apply', kubectl),
          { kind: 'cluster-look', stepId: '2-apply', cluster: look } satisfies Observation,
        ],
      },
      { seen: [notRun('3-stop-pod', 'no sandbox of pod web was ever listed')] },
    ];
    const { outcome, findings } = judge(run, journalOf(run, { steps }));
    return [
      outcome,
      ...findings
        .filter((one) => one.outcome !== 'pass' && one.check !== 'ran')
        .map(({ message }) => message),
    ];
  };
  const because = `; this does not count, because the cluster could not do its part in 2-apply: ${unseen}`;
  const absent = 'pod web is { state: absent }, expected { state: ready }';
  const gone = { look: { unseen } };
  expect(judged(expecting({}), gone)).toEqual([
    'inconclusive',
    `failed, expected success${because}`,
    `${absent}${because}`,
  ]);
  expect(judged(expecting({}), { ...gone, first: 1 })[0]).toBe('fail');
  expect(judged(expecting({ error: exactly(refused) }), gone)).toEqual(['fail', absent]);
  expect(judged(expecting({ error: exactly('no') }), gone)).toEqual([
    'fail',
    'error differs at character 1',
    absent,
  ]);
  expect(judged(expecting({}), { look: { nodes: [], pods: [], events: [] } })).toEqual([
    'fail',
    'failed, expected success',
    absent,
  ]);
});

test('if the pod was expected not to start, each later step has a finding of its own', () => {
  expect(findings(expecting({ ok: false }), undefined)).toEqual([
    'inconclusive',
    '2-create-container ran inconclusive - the step could not be taken: no sandbox of pod web was ever listed',
    '3-exec-container ran inconclusive - the step could not be taken: container app was not created',
    '4-exec ran inconclusive - the step could not be taken: ${web.ip} is not known',
    '5-stop-pod ran inconclusive - the step could not be taken: no sandbox of pod web was ever listed',
  ]);
});

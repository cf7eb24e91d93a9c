import { expect, test } from 'vitest';

import type { NodeState } from '../../lab/core/node-state.ts';
import type { Finding } from '../../lab/judge/verdict.ts';
import type { NetworkExpectation } from '../../lab/spec/scenario.ts';
import { withNode } from '../rig/only-node.ts';
import { judge, settlingOf } from '../rig/judged.ts';
import { at, exactly, expecting, journalOf, planned, runPod, state } from '../rig/recorded-run.ts';

const READY = { ready: true, reason: '', message: '' };
const NOT_READY = {
  ready: false,
  reason: 'NetworkPluginNotReady',
  message: 'Network plugin returns error: cni plugin not initialized',
};
const place = at(24);

function judgedNetwork(network: NodeState['network'], wanted: NetworkExpectation): readonly Finding[] {
  const run = planned({ steps: [[runPod, expecting({ networkReady: wanted })]] });
  const seen = { ...state(), ...(network === undefined ? {} : { network }) };
  return judge(run, journalOf(run, { steps: [{ state: seen }] })).findings.filter(
    ({ check }) => check === 'network-ready',
  );
}

test('the network is ready or not, as expected', () => {
  expect(judgedNetwork(READY, { place, ready: true })).toMatchObject([{ outcome: 'pass', place }]);
  expect(judgedNetwork(NOT_READY, { place, ready: false })).toMatchObject([{ outcome: 'pass' }]);
});

test('a difference is shown as kubelet prints it, and offered as in a scenario file', () => {
  expect(judgedNetwork(NOT_READY, { place, ready: true })).toEqual([
    {
      check: 'network-ready',
      outcome: 'fail',
      stepId: '1-run-pod',
      place,
      message:
        'NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized, expected NetworkReady=true',
      expected: 'network-ready: true',
      actual:
        'NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
      paste:
        "network-ready: { reason: NetworkPluginNotReady, message: 'Network plugin returns error: cni plugin not initialized' }",
    },
  ]);
  expect(judgedNetwork(READY, { place, ready: false, reason: exactly('x') })).toMatchObject([
    { outcome: 'fail', paste: 'network-ready: true' },
  ]);
});

test('reason and message are compared byte for byte', () => {
  const wanted = (reason: string, message: string) =>
    judgedNetwork(NOT_READY, { place, ready: false, reason: exactly(reason), message: exactly(message) });
  const outcomes = (findings: readonly Finding[]) => findings.map(({ outcome }) => outcome);
  expect(outcomes(wanted(NOT_READY.reason, NOT_READY.message))).toEqual(['pass', 'pass', 'pass']);
  expect(outcomes(wanted(NOT_READY.reason, `${NOT_READY.message}.`))).toEqual(['pass', 'pass', 'fail']);
  expect(outcomes(wanted('NetworkPluginReady', NOT_READY.message))).toEqual(['pass', 'fail', 'pass']);
  expect(wanted(NOT_READY.reason, 'Network plugin')[2]?.message).toBe(
    'the message of NetworkReady differs at character 15',
  );
});

test('the condition is inconclusive if nobody asked or CRI did not answer', () => {
  expect(judgedNetwork(undefined, { place, ready: true })).toMatchObject([
    { outcome: 'inconclusive', message: 'whether the network is ready is not known: nobody asked' },
  ]);
  expect(judgedNetwork({ unseen: 'connection refused' }, { place, ready: false })).toMatchObject([
    { outcome: 'inconclusive', message: 'whether the network is ready is not known: connection refused' },
  ]);
});

test('the condition is judged at the start and at the end as after a step', () => {
  const end = expecting({ networkReady: { place, ready: true } });
  const start = expecting({ networkReady: { place, ready: false } });
  const run = withNode(planned({ steps: [[runPod]], end }), { start });
  const journal = (first: typeof READY, last: typeof READY) =>
    journalOf(run, {
      start: { ...state(), network: first },
      steps: [{ state: { ...state(), network: last } }],
    });
  expect(judge(run, journal(NOT_READY, READY)).outcome).toBe('pass');
  const wrong = judge(run, journal(READY, NOT_READY)).findings.filter(({ outcome }) => outcome === 'fail');
  expect(wrong.map(({ check, stepId }) => `${stepId} ${check}`)).toEqual([
    'start network-ready',
    'end network-ready',
  ]);
});

test('a different condition may still become as expected, and a matching one may still change', () => {
  const run = planned({ steps: [[runPod, expecting({ networkReady: { place, ready: true } })]] });
  const settling = (network: NodeState['network']) =>
    settlingOf(run, journalOf(run, { steps: [{ state: { ...state(), ...(network && { network }) } }] }), {
      stepId: '1-run-pod',
      node: undefined,
    });
  expect(settling(NOT_READY)).toBe('beyond');
  expect(settling(READY)).toBe('unsure');
  expect(settling({ unseen: 'connection refused' })).toBe('settled');
});

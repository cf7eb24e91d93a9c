import { describe, expect, test } from 'vitest';

import type { NodeState } from '../../lab/core/node-state.ts';
import type { Observation } from '../../lab/observe/observation.ts';
import { judge, settlingOf } from '../rig/judged.ts';
import type { Finding } from '../../lab/judge/verdict.ts';
import type { LeftBehindExpectation, PodExpectation } from '../../lab/spec/scenario.ts';
import {
  at,
  expecting,
  item,
  journalOf,
  planned,
  result,
  runPod,
  sandbox,
  state,
  stopPod,
} from '../rig/recorded-run.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

/** The finding on what a run of two steps left behind, from the states after each of them. */
function leftBehind(
  kinds: 'none' | Extract<LeftBehindExpectation, { none: false }>['kinds'],
  { start = state(), first, last }: { start?: NodeState; first?: NodeState; last: NodeState },
): Finding | undefined {
  const leftBehind: LeftBehindExpectation =
    kinds === 'none' ? { none: true, place: at(23) } : { none: false, kinds, place: at(23) };
  const run = planned({ steps: [[runPod], [stopPod, expecting({ leftBehind })]] });
  const { findings } = judge(
    run,
    journalOf(run, { start, steps: [{ state: first ?? last }, { state: last }] }),
  );
  return findings.find(({ check }) => check === 'left-behind');
}

describe('left behind', () => {
  const netns = item('netns', 'cni-1');

  test('is nothing if everything is as at the start', () => {
    const there = state([netns, item('process', 'sh')]);
    expect(leftBehind('none', { start: there, last: there })).toEqual({
      check: 'left-behind',
      outcome: 'pass',
      stepId: '2-stop-pod',
      place: at(23),
      message: 'left behind is none, as expected',
    });
  });

  test('is shown as YAML and item by item, each with the step in which it appeared', () => {
    expect(
      leftBehind('none', {
        first: state([netns]),
        last: state([netns, item('ipam', 'net/10.88.0.2', { id: A, ifname: 'eth0' })]),
      }),
    ).toEqual({
      check: 'left-behind',
      outcome: 'fail',
      stepId: '2-stop-pod',
      place: at(23),
      message: 'left behind is { netns: 1, ipam: 1 }, expected none',
      expected: 'none',
      actual: '{ netns: 1, ipam: 1 }',
      detail: [
        'netns cni-1 appeared in 1-run-pod',
        `ipam net/10.88.0.2 appeared in 2-stop-pod (id ${A}, ifname eth0)`,
      ],
      items: [
        { kind: 'netns', name: 'cni-1', since: '1-run-pod' },
        { kind: 'ipam', name: 'net/10.88.0.2', since: '2-stop-pod' },
      ],
      paste: 'left-behind: { netns: 1, ipam: 1 }',
    });
  });

  test('is exactly what the file names: not fewer, not more, and of no other kind', () => {
    const last = state([netns, item('veth', 'veth1')]);
    expect(leftBehind({ netns: 1, veth: 1 }, { last })?.outcome).toBe('pass');
    expect(leftBehind({ netns: 1 }, { last })?.detail).toEqual(['veth veth1 appeared in 1-run-pod']);
    expect(leftBehind({ netns: 2, veth: 1 }, { last })?.outcome).toBe('fail');
    expect(leftBehind({ netns: 1, veth: 1, shim: 1 }, { last })?.detail).toEqual(['no shim, expected 1']);
  });

  test('can be named, in any order, with captures', () => {
    const last = state([item('ipam', 'net/10.88.0.3'), item('ipam', 'net/10.88.0.2')]);
    expect(leftBehind({ ipam: ['net/10.88.0.2', 'net/10.88.0.3'] }, { last })?.outcome).toBe('pass');
    expect(leftBehind({ ipam: ['net/${a:ip}', 'net/${b:ip}'] }, { last })?.outcome).toBe('pass');
    expect(leftBehind({ ipam: ['net/10.88.0.2', 'net/10.88.0.4'] }, { last })).toMatchObject({
      outcome: 'fail',
      message:
        'left behind is { ipam: [net/10.88.0.3, net/10.88.0.2] }, expected { ipam: [net/10.88.0.2, net/10.88.0.4] }',
      detail: ['ipam net/10.88.0.4 is not there', 'ipam net/10.88.0.3 appeared in 1-run-pod'],
    });
  });

  test('counts the second of two equal items if one was there at the start', () => {
    const rule = item('iptables', 'ip nat -A CNI-DN-1 -j DNAT');
    expect(leftBehind('none', { start: state([rule]), last: state([rule, rule]) })?.actual).toBe(
      '{ iptables: 1 }',
    );
  });

  test('attributes an item that came back to the step in which it did', () => {
    const run = planned({
      steps: [[runPod], [stopPod], [runPod, expecting({ leftBehind: { none: true, place: at(23) } })]],
    });
    const entries = journalOf(run, { steps: [{ state: state([netns]) }, {}, { state: state([netns]) }] });
    const finding = judge(run, entries).findings.find(({ check }) => check === 'left-behind');
    expect(finding?.detail).toEqual(['netns cni-1 appeared in 3-run-pod']);
  });

  test('does not count what plugins share, unless the file does', () => {
    const last = state([
      item('bridge', 'cni0'),
      item('ipam-state', 'net/lock'),
      item('iptables', 'ip nat -N CNI-HOSTPORT-DNAT'),
    ]);
    expect(leftBehind('none', { last })?.outcome).toBe('pass');
    expect(leftBehind({ shared: 3 }, { last })?.outcome).toBe('pass');
    expect(leftBehind({ shared: 2 }, { last })).toMatchObject({ outcome: 'fail', actual: '{ shared: 3 }' });
    expect(leftBehind({ bridge: ['cni0'] }, { last })?.outcome).toBe('pass');
    expect(leftBehind({ bridge: 0 }, { last })?.outcome).toBe('fail');
  });

  test('is inconclusive if a kind could not be looked at, before or after', () => {
    const blind = state([], [{ kind: 'sandbox', why: 'connection refused' }]);
    const expected = {
      check: 'left-behind',
      outcome: 'inconclusive',
      stepId: '2-stop-pod',
      place: at(23),
      message: 'what is left behind is not known: sandbox could not be looked at (connection refused)',
      expected: 'none',
    };
    expect(leftBehind('none', { last: blind })).toEqual(expected);
    expect(leftBehind('none', { start: blind, last: state([sandbox(A)]) })).toEqual(expected);
    expect(leftBehind({ sandbox: 1 }, { last: blind })?.outcome).toBe('inconclusive');
    expect(leftBehind({ sandbox: ['x'] }, { last: blind })?.outcome).toBe('inconclusive');
  });

  test('is inconclusive at the end if the look after the last step is missing, whatever an earlier one saw', () => {
    const end = expecting({ leftBehind: { none: true, place: at(23) } });
    const run = planned({ steps: [[runPod], [stopPod]], end });
    const entries = journalOf(run).filter((entry) => entry.kind !== 'look' || entry.stepId !== '2-stop-pod');
    const verdict = judge(run, entries);
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.findings.find(({ check }) => check === 'left-behind')?.outcome).toBe('inconclusive');
    expect(judge(run, journalOf(run)).outcome).toBe('pass');
  });

  test('fails nevertheless if what was seen contradicts the file', () => {
    const last = state([netns], [{ kind: 'sandbox', why: 'connection refused' }]);
    expect(leftBehind('none', { last })?.outcome).toBe('fail');
  });

  test('does not need to see what is shared, unless the file counts it', () => {
    const last = state([], [{ kind: 'ipam-state', why: 'input/output error' }]);
    expect(leftBehind('none', { last })?.outcome).toBe('pass');
    expect(leftBehind({ shared: 1 }, { last })?.outcome).toBe('inconclusive');
    expect(leftBehind({ shared: 0 }, { last: state([item('bridge', 'cni0')], last.unseen) })?.outcome).toBe(
      'fail',
    );
  });
});

describe('left behind of one pod', () => {
  const pods = [
    sandbox(A, { podName: 'web', ips: '10.88.0.2', netns: '/run/netns/cni-1' }),
    sandbox(B, { podName: 'db', ips: '10.88.0.3', netns: '/run/netns/cni-2' }),
  ];
  const remains = [
    item('netns', 'cni-1'),
    item('netns', 'cni-2'),
    item('veth', 'veth1', { netns: '/run/netns/cni-1' }),
    item('bridge-port', 'br9/veth1'),
    item('iptables', `ip nat -A POSTROUTING -s 10.88.0.2/32 -j CNI-${'1'.repeat(24)}`),
    item('iptables', `ip nat -N CNI-${'1'.repeat(24)}`),
  ];
  const OF_WEB = { netns: 1, veth: 1, 'bridge-port': 1, iptables: 2 };

  function of(pod: string, kinds: object | 'none', { items = remains, said = '' } = {}): Finding[] {
    const leftBehind =
      kinds === 'none'
        ? ({ none: true, place: at(23) } as const)
        : ({ none: false, kinds, place: at(23) } as const);
    const run = planned({ steps: [[runPod], [stopPod, expecting({ pods: { [pod]: { leftBehind } } })]] });
    const ran = { kind: 'command', stepId: '1-run-pod', pod: 'api', result: result([], { stderr: said }) };
    return judge(
      run,
      journalOf(run, {
        steps: [{ state: state(pods), seen: [ran as Observation] }, { state: state(items) }],
      }),
    ).findings.filter(({ check }) => check === 'left-behind' || check === 'pod');
  }

  test('is what has its sandbox, its namespace, its address, or a chain or link with one of these', () => {
    expect(of('web', OF_WEB)).toMatchObject([{ outcome: 'pass' }]);
    expect(of('db', { netns: ['cni-2'] })).toMatchObject([{ outcome: 'pass' }]);
  });

  test('is shown with the pod’s name, and items of other pods do not count', () => {
    expect(of('db', 'none')).toMatchObject([
      {
        outcome: 'fail',
        message: 'left behind of pod db is { netns: 1 }, expected none',
        detail: ['netns cni-2 of pod db appeared in 2-stop-pod'],
        paste: 'left-behind: { netns: 1 }',
      },
    ]);
    expect(of('web', { ...OF_WEB, netns: 2 })).toMatchObject([{ outcome: 'fail' }]);
  });

  test('is inconclusive if the owner of an item is not known', () => {
    const items = [item('netns', 'cni-1'), item('netns', 'cni-9')];
    expect(of('web', { netns: 1 }, { items })).toMatchObject([
      {
        outcome: 'inconclusive',
        message: 'what is left behind of pod web is not known: nobody knows whose netns cni-9 is',
      },
    ]);
    expect(of('web', { netns: 3 }, { items })).toMatchObject([{ outcome: 'fail' }]);
    expect(of('web', 'none', { items })).toMatchObject([{ outcome: 'fail' }]);
  });

  test('of a pod that was never listed is known by the id in its error', () => {
    const id = 'c'.repeat(64);
    const items = [item('ipam', 'net/10.88.0.9', { id })];
    const said = `failed to setup network for sandbox "${id}": no`;
    expect(of('api', { ipam: 1 }, { items, said })).toMatchObject([{ outcome: 'pass' }]);
    expect(of('api', { ipam: 1 }, { items })).toMatchObject([{ outcome: 'inconclusive' }]);
  });

  test('is waited for if it may still go', () => {
    const leftBehind = { none: true, place: at(23) } as const;
    const run = planned({ steps: [[runPod], [stopPod, expecting({ pod: { leftBehind } })]] });
    const settling = (last: NodeState) =>
      settlingOf(run, journalOf(run, { steps: [{ state: state(pods) }, { state: last }] }), {
        stepId: '2-stop-pod',
        node: undefined,
      });
    expect(settling(state(remains))).toBe('beyond');
    expect(settling(state([item('netns', 'cni-2')]))).toBe('settled');
  });
});

describe('pods', () => {
  const on = (pod: PodExpectation, seen: NodeState) => {
    const run = planned({ steps: [[runPod, expecting({ pod })]] });
    return judge(run, journalOf(run, { steps: [{ state: seen }] })).findings.filter(
      ({ check }) => check === 'pod',
    );
  };

  test('can be expected by state and addresses', () => {
    expect(on({ state: 'ready', ips: 1 }, state([sandbox(A)]))).toEqual([
      {
        check: 'pod',
        outcome: 'pass',
        stepId: '1-run-pod',
        place: at(20),
        message: 'pod web is { state: ready, ips: 1 }, as expected',
      },
    ]);
    expect(on({ state: 'not-ready', ips: 2 }, state([sandbox(A)]))).toEqual([
      {
        check: 'pod',
        outcome: 'fail',
        stepId: '1-run-pod',
        place: at(20),
        message: 'pod web is { state: ready, ips: 1 }, expected { state: not-ready, ips: 2 }',
        expected: '{ state: not-ready, ips: 2 }',
        actual: '{ state: ready, ips: 1 }',
        detail: [`sandbox ${A} has [10.88.0.2]`],
        paste: 'pod: { state: ready, ips: 1 }',
      },
    ]);
  });

  test('have exactly these addresses, in this order', () => {
    const dual = state([sandbox(A, { ips: '10.88.0.2,2001:db8::2' })]);
    const outcome = (ips: readonly string[]) => on({ ips }, dual)[0]?.outcome;
    expect(outcome(['10.88.0.2', '2001:db8::2'])).toBe('pass');
    expect(outcome(['2001:db8::2', '10.88.0.2'])).toBe('fail');
    expect(outcome(['10.88.0.2'])).toBe('fail');
  });

  test('are absent if CRI lists no sandbox for them', () => {
    expect(on({ state: 'absent' }, state([sandbox(A, { podName: 'other' })]))[0]?.outcome).toBe('pass');
    expect(on({ state: 'absent' }, state([sandbox(A)]))[0]?.outcome).toBe('fail');
    expect(on({ state: 'ready' }, state())[0]?.message).toBe(
      'pod web is { state: absent }, expected { state: ready }',
    );
  });

  test('have all their keys, or say which ones the runtime dropped', () => {
    const dropped = (ignored: string, pod?: PodExpectation) => {
      const pods = [
        {
          ...{ name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false },
          namespaces: { user: 'pod' as const },
        },
      ];
      const run = { ...planned({ steps: [[runPod, expecting(pod === undefined ? {} : { pod })]] }), pods };
      const command = {
        kind: 'command',
        stepId: '1-run-pod',
        result: result(['crictl', 'runp']),
      } as const;
      const seen = [
        command,
        { kind: 'capture', stepId: '1-run-pod', name: 'web.ignored', value: ignored } as const,
      ];
      const judged = (all: readonly Observation[]) =>
        judge(run, journalOf(run, { steps: [{ seen: all, state: state([sandbox(A)]) }] }));
      if (pod === undefined) expect(judged([command]).outcome).toBe('inconclusive'); // nobody read it back
      return judged(seen).findings.find(({ check }) => check === 'pod');
    };
    expect(dropped('')).toBe(undefined);
    expect(dropped('namespaces.user')).toEqual({
      check: 'pod',
      outcome: 'fail',
      stepId: '1-run-pod',
      place: at(20),
      message: 'the runtime does not know namespaces.user of pod web, and has run it without',
      expected: 'ignored: []',
      actual: 'ignored: [namespaces.user]',
      paste: 'pod: { ignored: [namespaces.user] }',
    });
    expect(dropped('namespaces.user', { ignored: ['namespaces.user'] })?.outcome).toBe('pass');
    expect(dropped('namespaces.user', { ignored: ['dns', 'namespaces.user'] })).toMatchObject({
      outcome: 'fail',
      message:
        'pod web is { state: ready, ignored: [namespaces.user] }, expected { ignored: [dns, namespaces.user] }',
    });
    expect(dropped('', { ignored: ['dns'] })?.outcome).toBe('fail');
    expect(dropped('dns', { state: 'ready' })?.message).toContain('has run it without');
  });

  test('have the state of their newest attempt', () => {
    const seen = state([sandbox(A, { state: 'not-ready', attempt: '0' }), sandbox(B, { attempt: '1' })]);
    expect(on({ state: 'ready' }, seen)[0]?.outcome).toBe('pass');
  });

  test('are inconclusive if sandboxes could not be listed', () => {
    const blind = state([], [{ kind: 'sandbox', why: 'connection refused' }]);
    expect(on({ state: 'absent' }, blind).map(({ outcome, message }) => [outcome, message])).toEqual([
      ['inconclusive', 'the pods are not known: connection refused'],
    ]);
  });

  test('are `none` only if there are no pods of any name', () => {
    const run = planned({ steps: [[stopPod]], end: expecting({ pods: 'none' }) });
    const judged = (last: NodeState) =>
      judge(run, journalOf(run, { steps: [{ state: last }] })).findings.find(({ check }) => check === 'pod');
    expect(judged(state())?.outcome).toBe('pass');
    expect(judged(state([], [{ kind: 'sandbox', why: 'no answer' }]))?.outcome).toBe('inconclusive');
    expect(judged(state([sandbox(A, { podName: 'other' })]))).toEqual({
      check: 'pod',
      outcome: 'fail',
      stepId: 'end',
      place: at(20),
      message: '1 pod sandbox listed, expected none',
      expected: 'none',
      actual: '1',
      detail: [`${A} of pod other is ready`],
      paste: 'pods: { other: { state: ready } }',
    });
  });

  test('of a step on a container are those in which it was created', () => {
    const run = planned({
      steps: [
        [{ do: 'create-container', container: 'app', pod: 'web', command: [] }],
        [{ do: 'start-container', container: 'app' }, expecting({ pod: { state: 'ready' } })],
        [{ do: 'exec', argv: ['true'] }, expecting({ pod: { state: 'ready' } })],
      ],
    });
    const seen = { state: state([sandbox(A)]) };
    const pods = judge(run, journalOf(run, { steps: [seen, seen, seen] })).findings.filter(
      ({ check }) => check === 'pod',
    );
    expect(pods.map(({ stepId, outcome }) => [stepId, outcome])).toEqual([
      ['2-start-container', 'pass'],
      ['3-exec', 'inconclusive'],
    ]);
  });
});

import { expect, test } from 'vitest';

import { LabError } from '../../lab/core/lab-error.ts';
import { StepFailed } from '../../lab/library/check.ts';
import { fakeStartedNode, stateOf } from '../rig/fake-started-node.ts';

const ID = 'a'.repeat(64);
const sandbox = (state: string) =>
  stateOf([
    {
      kind: 'sandbox',
      name: ID,
      detail: { podName: 'web', state, attempt: '0', ips: '10.88.0.2', netns: '/run/netns/cni-1' },
    },
  ]);

const thrownBy = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing',
    (thrown: unknown) => thrown,
  );

test('a pod’s life is a series of crictl commands, and what was seen of it is known', async () => {
  const { started, done } = await fakeStartedNode({
    looks: [stateOf([]), sandbox('ready'), sandbox('not-ready'), stateOf([])],
    exec: ([, verb]) => (verb === 'runp' ? { stdout: `${ID}\n` } : {}),
  });
  const pod = await started.runPod('web');
  expect([pod.id, pod.ip, pod.netns]).toEqual([ID, '10.88.0.2', '/run/netns/cni-1']);
  expect(() => pod.ip6).toThrow('pod web has no ip6 that CRI reported');
  await pod.exec(['ip', 'address']);
  await pod.stop();
  await pod.remove({ force: true });
  await started.end();
  await started.end();
  expect(done).toEqual([
    'write /lab/pods/web.json',
    'crictl runp /lab/pods/web.json',
    'nsenter --net=/run/netns/cni-1 ip address',
    `crictl stopp ${ID}`,
    `crictl rmp -f ${ID}`,
    'end',
  ]);
});

test('the error of a pod that does not start has all details, and its remains can be stopped and removed', async () => {
  const { started, done } = await fakeStartedNode({
    looks: [stateOf([]), sandbox('not-ready')],
    exec: ([, verb]) =>
      verb === 'runp'
        ? {
            exitCode: 1,
            stderr:
              'time="2022-01-01T00:00:00Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = no room"\n',
          }
        : {},
  });
  const thrown = await thrownBy(started.runPod('web'));
  if (!(thrown instanceof StepFailed)) throw new Error('wanted a StepFailed', { cause: thrown });
  expect(thrown.message).toBe(
    '1-run-pod: command exited with 1: crictl runp /lab/pods/web.json\n  it said  no room',
  );
  expect({ stepId: thrown.stepId, errorText: thrown.errorText, known: thrown.known }).toEqual({
    stepId: '1-run-pod',
    errorText: 'no room',
    known: new Map([
      ['web.attempts', '1'],
      ['web.id', ID],
      ['web.netns', '/run/netns/cni-1'],
      ['web.ip', '10.88.0.2'],
    ]),
  });
  await started.pod('web').remove({ force: true });
  expect(done.at(-1)).toBe(`crictl rmp -f ${ID}`);
});

test('an action on a pod that never existed is not a failure of the system', async () => {
  const { started, done } = await fakeStartedNode({ looks: [stateOf([])] });
  const thrown = await thrownBy(started.pod('web').stop());
  expect(thrown).toBeInstanceOf(LabError);
  expect(thrown).toMatchObject({ message: '1-stop-pod on lab-fake: no sandbox of pod web was ever listed' });
  expect(done).toEqual([]);
});

test('pods without a name are numbered, and texts from a program are not templates', async () => {
  const { started, done } = await fakeStartedNode({ looks: [stateOf([])] });
  expect([(await started.runPod()).name, (await started.runPod({ hostNetwork: true })).name]).toEqual([
    'pod-1',
    'pod-2',
  ]);
  await started.connect('10.88.0.2:80', { send: '${HOME}' });
  expect(done.at(-1)).toBe('/lab/bin/agent connect --send ${HOME} 10.88.0.2:80');
});

test('a kept node is not ended', async () => {
  const { started, done } = await fakeStartedNode({ looks: [stateOf([])] });
  {
    await using node = started;
    await node.keep();
  }
  expect(done).toEqual(['keep']);
});

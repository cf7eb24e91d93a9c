import { describe, expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { ClusterLook } from '../../lab/core/cluster-state.ts';
import type { NodeState } from '../../lab/core/node-state.ts';
import { NotInTime } from '../../lab/core/wait-for.ts';
import type { RuntimeStatus } from '../../lab/nodes/node.ts';
import type { Observation } from '../../lab/observe/observation.ts';
import type { PodSpec } from '../../lab/spec/scenario.ts';
import type { PlannedAction, Verb } from '../../lab/spec/verbs/verbs.ts';
import { present } from '../../lab/spec/object-shape.ts';
import { createStepper } from '../../lab/steps/stepper.ts';
import { ANSWERS, fakeArtifact, fakeNode, type FakeNodeOptions } from '../rig/fake-node.ts';
import { at, exactly, item, result, sandbox, state } from '../rig/recorded-run.ts';

type ActionOf<V extends Verb> = Extract<PlannedAction, { do: V }>;

const ID = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const pod = { name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false };
const WITH_POD = state([sandbox(ID, { netns: '/run/netns/web' })]);

interface Taken {
  /** everything that was done to the node */
  readonly done: readonly string[];
  /** the journal between the start of the step and its look, without the parts that every command has */
  readonly seen: readonly unknown[];
}

interface TakeOptions extends FakeNodeOptions {
  /** steps before this one */
  readonly before?: readonly PlannedAction[];
  /** steps before those, by their names in the background */
  readonly background?: Readonly<Record<string, PlannedAction>>;
  /** the steps that it starts at the same time */
  readonly together?: readonly PlannedAction[];
  readonly runtimeRuns?: boolean;
  /** what a look at the cluster shows */
  readonly lookAtCluster?: () => ClusterLook;
  /** what is in the log of the runtime, and in any other file that is read */
  readonly log?: string;
  readonly pods?: readonly PodSpec[];
}

/** Takes one step on a fake node, after others. */
async function take(action: PlannedAction, options: TakeOptions = {}): Promise<Taken> {
  const { before = [], background = {}, together = [], ...others } = options;
  const { runtimeRuns = true, log = '', pods = [pod], ...fake } = others;
  const { node, clock, done, log: write } = fakeNode(fake);
  write(log);
  const observed: Observation[] = [];
  let state: 'running' | 'ended' = runtimeRuns ? 'running' : 'ended';
  let kubelet = true;
  const stepper = createStepper({
    node,
    clock,
    clusterNode: {
      kubeletRuns: () => kubelet,
      async startKubelet() {
        done.push('start the kubelet');
        kubelet = true;
      },
      async endKubelet(signal) {
        done.push(`end the kubelet by SIG${signal}`);
        kubelet = false;
      },
      look: async () => options.lookAtCluster?.() ?? { unseen: 'connection refused' },
    },
    runtime: {
      kind: RUNTIMES.containerd,
      async start() {
        done.push('start the runtime');
        state = 'running';
        return {
          answered: true,
          runtimeVersion: 'v1.6.4',
          runtimeReady: true,
          networkReady: true,
          networkReason: '',
          networkMessage: '',
        };
      },
      adopt: () => Promise.reject(new Error('nobody adopts it')),
      async end(signal) {
        done.push(`end the runtime by SIG${signal}`);
        if (fake.status?.answered === false) throw new NotInTime('it does not end');
        state = 'ended';
      },
      async rebootNode() {
        done.push('reboot');
        state = 'ended';
      },
      state: async () => state,
    },
    artifact: ({ component }) => fakeArtifact(component, component === 'cni-plugins' ? 'bridge' : component),
    observe: (observation) => observed.push(observation),
    settleMs: 0,
  });
  for (const [name, one] of Object.entries(background))
    await stepper.take({ id: `0-${one.do}`, action: one, background: name, timeoutMs: 1000, pods: [pod] });
  for (const [index, one] of [...before, action].entries()) {
    if (index === before.length) done.length = 0;
    await stepper.take({
      id: `${index + 1}-${one.do}`,
      action: one,
      timeoutMs: 1000,
      pods,
      together: together.map((action, at) => ({
        id: `${index + 1}.${at + 1}-${action.do}`,
        ...{ action, timeoutMs: 1000, pods },
      })),
    });
  }
  const started = observed.findLastIndex(({ kind }) => kind === 'step-started');
  const looked = observed.findIndex(({ kind }, at) => at > started && kind === 'runtime-log');
  return { done, seen: observed.slice(started + 1, looked).map(short) };
}

/** An observation without its step, and a command without the fields that no test here needs. */
function short(observation: Observation): unknown {
  const { stepId: _, ...rest } = { stepId: '', ...observation };
  if (observation.kind !== 'command') return rest;
  const {
    kind,
    result: { argv, exitCode },
    ...onBehalf
  } = observation;
  const { stepId: __, ...who } = onBehalf;
  return { kind, argv: argv.join(' '), exitCode, ...who };
}

const printsId = (id: string) => (argv: readonly string[]) =>
  argv[1] === 'runp' || argv[1] === 'create' ? { stdout: `${id}\n` } : {};
const runPod: PlannedAction = { do: 'run-pod', pod: 'web' };
const createContainer: PlannedAction = {
  do: 'create-container',
  container: 'app',
  pod: 'web',
  command: ['sh', '${web.ip}'],
};
const PODS: TakeOptions = { before: [runPod], looks: [state(), WITH_POD], exec: printsId(ID) };
const CONTAINERS: TakeOptions = {
  before: [runPod, createContainer],
  looks: [state(), WITH_POD],
  exec: (argv) => ({ stdout: `${argv[1] === 'runp' ? ID : OTHER}\n` }),
};
const onPod = { pod: 'web', id: ID };
const onContainer = { container: 'app', id: OTHER };

const CALL = `/lab/bin/agent cni del --plugin bridge --netns /run/netns/web --container-id ${ID} --args IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=${ID};K8S_POD_UID=web-uid --ifname eth1 --config -`;

const MANIFEST = { name: 'manifest', content: '{ "kind": "Pod" }', place: at(1) };
const TWO_READY = {
  ...{ place: at(1), nodes: {}, events: [], noEvents: [] },
  pods: { web: { place: at(1), ready: 2 } },
};
const kubeletWait = (what: string) => ({
  ...{ kind: 'waited', what, met: true, timedOut: false, lastSeen: 'it is so', waitedMs: 0 },
});

/** What each verb does, and what the journal then has. A verb that is not in here does not compile. */
const CASES: { readonly [V in Verb]: readonly [ActionOf<V>, TakeOptions, Taken] } = {
  'run-pod': [
    { do: 'run-pod', pod: 'web' },
    { exec: printsId(ID) },
    {
      done: ['write /lab/pods/web.json', 'crictl runp /lab/pods/web.json'],
      seen: [
        { kind: 'capture', name: 'web.attempts', value: '1' },
        { kind: 'command', argv: 'crictl runp /lab/pods/web.json', exitCode: 0, pod: 'web' },
        { kind: 'capture', name: 'web.id', value: ID },
      ],
    },
  ],
  'stop-pod': [
    { do: 'stop-pod', pod: 'web' },
    PODS,
    {
      done: [`crictl stopp ${ID}`],
      seen: [{ kind: 'command', argv: `crictl stopp ${ID}`, exitCode: 0, ...onPod }],
    },
  ],
  'remove-pod': [
    { do: 'remove-pod', pod: 'web', force: true },
    PODS,
    {
      done: [`crictl rmp -f ${ID}`],
      seen: [{ kind: 'command', argv: `crictl rmp -f ${ID}`, exitCode: 0, ...onPod }],
    },
  ],
  'stop-listed-pods': [
    { do: 'stop-listed-pods' },
    { looks: [state([sandbox(ID), sandbox(OTHER)])] },
    {
      done: [`crictl stopp ${ID}`, `crictl stopp ${OTHER}`],
      seen: [
        { kind: 'command', argv: `crictl stopp ${ID}`, exitCode: 0, id: ID },
        { kind: 'command', argv: `crictl stopp ${OTHER}`, exitCode: 0, id: OTHER },
      ],
    },
  ],
  'remove-listed-pods': [{ do: 'remove-listed-pods' }, {}, { done: [], seen: [] }],
  'create-container': [
    { do: 'create-container', container: 'app', pod: 'web', command: ['sh', '${web.ip}'] },
    PODS,
    {
      done: [
        'write /lab/containers/app.json',
        'write /var/log/pods/default_web_web-uid/app/.made',
        'remove /var/log/pods/default_web_web-uid/app/.made',
        `crictl create ${ID} /lab/containers/app.json /lab/pods/web.json`,
      ],
      seen: [
        { kind: 'capture', name: 'web.app.attempts', value: '1' },
        {
          kind: 'command',
          argv: `crictl create ${ID} /lab/containers/app.json /lab/pods/web.json`,
          exitCode: 0,
          container: 'app',
          pod: 'web',
        },
        { kind: 'capture', name: 'app.id', value: ID },
      ],
    },
  ],
  'start-container': [
    { do: 'start-container', container: 'app' },
    CONTAINERS,
    {
      done: [`crictl start ${OTHER}`],
      seen: [{ kind: 'command', argv: `crictl start ${OTHER}`, exitCode: 0, ...onContainer }],
    },
  ],
  'exec-container': [
    { do: 'exec-container', container: 'app', command: ['ping', '${web.ip}'] },
    CONTAINERS,
    {
      done: [
        `/lab/bin/agent exec-container --socket /run/containerd/containerd.sock ${OTHER} ping 10.88.0.2`,
      ],
      seen: [
        {
          kind: 'command',
          argv: `/lab/bin/agent exec-container --socket /run/containerd/containerd.sock ${OTHER} ping 10.88.0.2`,
          exitCode: 0,
          ...onContainer,
        },
      ],
    },
  ],
  'stop-container': [
    { do: 'stop-container', container: 'app', graceSeconds: 2 },
    CONTAINERS,
    {
      done: [`crictl stop --timeout 2 ${OTHER}`],
      seen: [{ kind: 'command', argv: `crictl stop --timeout 2 ${OTHER}`, exitCode: 0, ...onContainer }],
    },
  ],
  'remove-container': [
    { do: 'remove-container', container: 'app' },
    CONTAINERS,
    {
      done: [`crictl rm ${OTHER}`],
      seen: [{ kind: 'command', argv: `crictl rm ${OTHER}`, exitCode: 0, ...onContainer }],
    },
  ],
  'write-files': [
    {
      do: 'write-files',
      files: [{ name: '/etc/motd', content: 'hello', place: { file: '', line: 1, column: 1 } }],
    },
    {},
    { done: ['write /etc/motd'], seen: [{ kind: 'files', written: ['/etc/motd'], removed: [], absent: [] }] },
  ],
  'remove-files': [
    { do: 'remove-files', nodePaths: ['/etc/motd', '/etc/none'] },
    { absent: ['/etc/none'] },
    {
      done: ['remove /etc/motd', 'remove /etc/none'],
      seen: [{ kind: 'files', written: [], removed: ['/etc/motd'], absent: ['/etc/none'] }],
    },
  ],
  'write-cni-config': [
    {
      do: 'write-cni-config',
      files: [{ name: '10-a.conflist', content: '{}', place: { file: '', line: 1, column: 1 } }],
    },
    {},
    {
      done: ['write /etc/cni/net.d/10-a.conflist'],
      seen: [{ kind: 'files', written: ['/etc/cni/net.d/10-a.conflist'], removed: [], absent: [] }],
    },
  ],
  'remove-cni-config': [
    { do: 'remove-cni-config', names: ['10-a.conflist'] },
    {},
    {
      done: ['remove /etc/cni/net.d/10-a.conflist'],
      seen: [{ kind: 'files', written: [], removed: ['/etc/cni/net.d/10-a.conflist'], absent: [] }],
    },
  ],
  'install-plugins': [
    {
      do: 'install-plugins',
      plugins: { set: { component: 'cni-plugins', version: '1.1.1' }, overrides: [] },
    },
    {},
    {
      done: ['remove /opt/cni/bin', 'link /opt/cni/bin/bridge to /lab/artifacts/cni-plugins/bin/bridge'],
      seen: [{ kind: 'files', written: ['/opt/cni/bin/bridge'], removed: ['/opt/cni/bin'], absent: [] }],
    },
  ],
  'remove-plugins': [
    { do: 'remove-plugins', plugins: ['bridge'] },
    {},
    {
      done: ['remove /opt/cni/bin/bridge'],
      seen: [{ kind: 'files', written: [], removed: ['/opt/cni/bin/bridge'], absent: [] }],
    },
  ],
  'fake-plugin': [
    { do: 'fake-plugin', plugin: 'bridge', script: { content: '#!/bin/sh\n' } },
    {},
    {
      done: ['write /opt/cni/bin/bridge'],
      seen: [{ kind: 'files', written: ['/opt/cni/bin/bridge'], removed: [], absent: [] }],
    },
  ],
  cni: [
    {
      do: 'cni',
      verb: 'del',
      plugin: 'bridge',
      pod: 'web',
      ifname: 'eth1',
      config: { name: 'config', content: '{"type":"bridge"}', place: at(3) },
    },
    PODS,
    {
      done: [CALL],
      seen: [{ kind: 'command', argv: CALL, exitCode: 0 }],
    },
  ],
  apply: [
    { do: 'apply', manifests: [MANIFEST, MANIFEST] },
    {},
    {
      done: ['kubectl apply --filename -'],
      seen: [{ kind: 'command', argv: 'kubectl apply --filename -', exitCode: 0 }],
    },
  ],
  delete: [
    { do: 'delete', objects: ['deployment/web', 'service/web'] },
    {},
    {
      done: ['kubectl delete deployment/web service/web'],
      seen: [{ kind: 'command', argv: 'kubectl delete deployment/web service/web', exitCode: 0 }],
    },
  ],
  cordon: [
    { do: 'cordon', node: 'worker-1' },
    {},
    {
      done: ['kubectl cordon worker-1'],
      seen: [{ kind: 'command', argv: 'kubectl cordon worker-1', exitCode: 0 }],
    },
  ],
  drain: [
    { do: 'drain', node: 'worker-1', flags: ['--force'] },
    {},
    {
      done: ['kubectl drain worker-1 --force'],
      seen: [{ kind: 'command', argv: 'kubectl drain worker-1 --force', exitCode: 0 }],
    },
  ],
  uncordon: [
    { do: 'uncordon', node: 'worker-1' },
    {},
    {
      done: ['kubectl uncordon worker-1'],
      seen: [{ kind: 'command', argv: 'kubectl uncordon worker-1', exitCode: 0 }],
    },
  ],
  'stop-kubelet': [
    { do: 'stop-kubelet' },
    {},
    { done: ['end the kubelet by SIGTERM'], seen: [kubeletWait('the kubelet to end by SIGTERM')] },
  ],
  'kill-kubelet': [
    { do: 'kill-kubelet' },
    {},
    { done: ['end the kubelet by SIGKILL'], seen: [kubeletWait('the kubelet to end by SIGKILL')] },
  ],
  'start-kubelet': [
    { do: 'start-kubelet' },
    { before: [{ do: 'stop-kubelet' }] },
    { done: ['start the kubelet'], seen: [kubeletWait('the start of the kubelet')] },
  ],
  'stop-runtime': [
    { do: 'stop-runtime' },
    {},
    {
      done: ['end the runtime by SIGTERM'],
      seen: [
        {
          kind: 'waited',
          what: 'containerd to end by SIGTERM',
          met: true,
          timedOut: false,
          lastSeen: 'its end',
          waitedMs: 0,
        },
      ],
    },
  ],
  'kill-runtime': [
    { do: 'kill-runtime' },
    { status: { answered: false, why: 'it hangs' } },
    {
      done: ['end the runtime by SIGKILL'],
      seen: [
        {
          kind: 'waited',
          what: 'containerd to end by SIGKILL',
          met: false,
          timedOut: false,
          lastSeen: 'it does not end',
          waitedMs: 0,
        },
      ],
    },
  ],
  'start-runtime': [
    { do: 'start-runtime' },
    { runtimeRuns: false },
    {
      done: ['start the runtime'],
      seen: [
        {
          kind: 'waited',
          what: 'containerd to answer',
          met: true,
          timedOut: false,
          lastSeen: 'containerd v1.6.4',
          waitedMs: 0,
        },
      ],
    },
  ],
  reboot: [
    { do: 'reboot' },
    {},
    {
      done: ['reboot', 'start the runtime'],
      seen: [
        {
          kind: 'waited',
          what: 'the end of all processes',
          met: true,
          timedOut: false,
          lastSeen: 'the node has rebooted',
          waitedMs: 0,
        },
        {
          kind: 'waited',
          what: 'containerd to answer',
          met: true,
          timedOut: false,
          lastSeen: 'containerd v1.6.4',
          waitedMs: 0,
        },
      ],
    },
  ],
  'replace-runtime': [
    { do: 'replace-runtime', runtime: { component: 'containerd', version: '1.6.4' } },
    {},
    {
      done: [
        'end the runtime by SIGTERM',
        'link /usr/local/bin/containerd to /lab/artifacts/containerd/bin/containerd',
        'start the runtime',
      ],
      seen: [
        {
          kind: 'waited',
          what: 'containerd to end by SIGTERM',
          met: true,
          timedOut: false,
          lastSeen: 'its end',
          waitedMs: 0,
        },
        { kind: 'files', written: ['/usr/local/bin/containerd'], removed: [], absent: [] },
        {
          kind: 'waited',
          what: 'containerd to answer',
          met: true,
          timedOut: false,
          lastSeen: 'containerd v1.6.4',
          waitedMs: 0,
        },
      ],
    },
  ],
  exec: [
    { do: 'exec', argv: ['ping', '${web.ip}'] },
    PODS,
    { done: ['ping 10.88.0.2'], seen: [{ kind: 'command', argv: 'ping 10.88.0.2', exitCode: 0 }] },
  ],
  connect: [
    {
      do: 'connect',
      from: 'web',
      to: '${web.ip}:80',
      protocol: 'udp',
      fromPort: 40000,
      send: 'hello',
      answerWithinMs: 500,
    },
    PODS,
    {
      done: [
        '/lab/bin/agent connect --netns /run/netns/web --protocol udp --from-port 40000 --timeout-ms 500 --send hello 10.88.0.2:80',
      ],
      seen: [
        {
          kind: 'command',
          argv: '/lab/bin/agent connect --netns /run/netns/web --protocol udp --from-port 40000 --timeout-ms 500 --send hello 10.88.0.2:80',
          exitCode: 0,
        },
      ],
    },
  ],
  listen: [
    { do: 'listen', in: 'web', port: 8125, protocol: 'udp', answer: 'from ${web.ip}' },
    { ...PODS, log: 'listening\n' },
    {
      done: [
        'start /lab/bin/agent listen --netns /run/netns/web --protocol udp --port 8125 --answer from 10.88.0.2',
      ],
      seen: [
        {
          kind: 'waited',
          what: 'a listener in web on udp port 8125',
          met: true,
          timedOut: false,
          lastSeen: 'listening',
          waitedMs: 2,
        },
      ],
    },
  ],
  'wait-for': [
    { do: 'wait-for', condition: { until: 'command', argv: ['test', '-e', '/run/x'] } },
    {},
    {
      done: ['test -e /run/x'],
      seen: [
        {
          kind: 'waited',
          what: 'test -e /run/x to succeed',
          met: true,
          timedOut: false,
          lastSeen: 'exit 0',
          waitedMs: 0,
        },
      ],
    },
  ],
  parallel: [
    { do: 'parallel' },
    {
      together: [
        { do: 'exec', argv: ['one'] },
        { do: 'exec', argv: ['two'] },
      ],
    },
    {
      done: ['one', 'two'],
      seen: [
        { kind: 'command', argv: 'one', exitCode: 0 },
        { kind: 'command', argv: 'two', exitCode: 0 },
        { kind: 'step-ended' },
        { kind: 'step-ended' },
        {
          kind: 'waited',
          what: 'the end of 1.1-exec, 1.2-exec',
          met: true,
          timedOut: false,
          lastSeen: 'all have ended',
          waitedMs: 0,
        },
      ],
    },
  ],
  kill: [
    { do: 'kill', background: 'slow' },
    { background: { slow: { do: 'exec', argv: ['sleep', 'infinity'] } }, hangs: () => true },
    {
      done: [],
      seen: [
        { kind: 'command', argv: 'sleep infinity', exitCode: null },
        {
          kind: 'waited',
          what: 'the end of slow',
          met: true,
          timedOut: false,
          lastSeen: 'it was killed',
          waitedMs: 0,
        },
      ],
    },
  ],
};

test.each(Object.entries(CASES))('%s', async (_, [action, options, expected]) => {
  expect(await take(action, options)).toEqual(expected);
});

test('keys of a container that a runtime dropped are known once it is created', async () => {
  const create: PlannedAction = { ...createContainer, seccomp: { nodePath: '/deny.json' } };
  const exec = (kept: object) => (argv: readonly string[]) =>
    argv[1] === 'cri-config' ? { stdout: JSON.stringify(kept) } : (CONTAINERS.exec?.(argv) ?? {});
  const profile = { seccomp: { profile_type: 2, localhost_ref: '/deny.json' } };
  const last = async (kept: object) => (await take(create, { ...PODS, exec: exec(kept) })).seen.at(-1);
  const ignored = (value: string) => ({ kind: 'capture', name: 'app.ignored', value });
  expect(await last({ linux: { security_context: profile } })).toEqual(ignored(''));
  expect(await last({ linux: { security_context: { seccomp: { profile_type: 1 } } } })).toEqual(
    ignored('seccomp'),
  );
  expect(await last({})).toEqual(ignored('seccomp'));
});

describe('a wait for a container', () => {
  const container = (detail: Readonly<Record<string, string>>) =>
    state([item('container', OTHER, { name: 'app', sandbox: ID, createdAt: '1', ...detail })]);
  const wait: PlannedAction = {
    do: 'wait-for',
    condition: { until: 'container', container: 'app', state: 'exited' },
  };

  test('ends when CRI reports the state', async () => {
    const looks = [container({ state: 'running' }), container({ state: 'exited', exitCode: '3' })];
    const { seen } = await take(wait, { looks });
    expect(seen).toMatchObject([
      { what: 'container app to be exited', met: true, lastSeen: 'container app is exited with 3' },
    ]);
  });

  test('fails if another container of the same name was created later', async () => {
    const older = container({ state: 'exited', exitCode: '3' });
    const looks = [
      { ...older, items: [...container({ state: 'running', createdAt: '2' }).items, ...older.items] },
    ];
    const { seen } = await take(wait, { looks });
    expect(seen).toMatchObject([{ met: false, lastSeen: 'container app is running' }]);
  });

  test('is not taken if CRI did not answer', async () => {
    const { seen } = await take(wait, { looks: [state([], [{ kind: 'container', why: 'refused' }])] });
    expect(seen).toEqual([{ kind: 'not-run', why: 'nobody could see container app to be exited: refused' }]);
  });
});

describe('keys of a pod that a runtime may not know', () => {
  const asking = { ...pod, dns: { servers: ['10.96.0.10'] }, namespaces: { user: 'pod' as const } };
  const exec = (kept: object) => (argv: readonly string[]) =>
    argv[1] === 'cri-config' ? { stdout: JSON.stringify(kept) } : printsId(ID)(argv);
  const dns = { dns_config: { servers: ['10.96.0.10'], searches: null } };
  const ids = [{ host_id: 65536, length: 65536 }]; // zero is left out
  const user = {
    linux: { security_context: { namespace_options: { userns_options: { uids: ids, gids: ids } } } },
  };

  test.each([
    ['has kept', { ...dns, ...user }, ''],
    ['has dropped', dns, 'namespaces.user'],
    ['has kept in another form', { ...user, dns_config: { servers: ['10.96.0.11'] } }, 'dns'],
  ])('that it %s', async (_, kept, ignored) => {
    const { done, seen } = await take(runPod, { pods: [asking], exec: exec(kept) });
    expect(done.at(-1)).toBe(`/lab/bin/agent cri-config --socket /run/containerd/containerd.sock pod ${ID}`);
    expect(seen.at(-1)).toEqual({ kind: 'capture', name: 'web.ignored', value: ignored });
  });

  test('are not known if nobody could read them back', async () => {
    const blind = (argv: readonly string[]) =>
      argv[1] === 'cri-config' ? { exitCode: 1, stderr: 'no config\n' } : printsId(ID)(argv);
    const { seen } = await take(runPod, { pods: [asking], exec: blind });
    expect(seen.at(-1)).toEqual({
      kind: 'not-run',
      why: 'nobody could see what the runtime made of the keys of web: no config',
    });
  });

  test('include the runtime handler', async () => {
    const { done } = await take(runPod, { pods: [{ ...pod, runtimeHandler: 'kata' }], exec: printsId(ID) });
    expect(done).toEqual(['write /lab/pods/web.json', 'crictl runp --runtime kata /lab/pods/web.json']);
  });
});

describe('a listener', () => {
  const listen: PlannedAction = { do: 'listen', in: 'node', port: 80, answer: '' };
  const kill: PlannedAction = { do: 'kill', background: 'server' };

  test('with a name is killed by a later step', async () => {
    const { done, seen } = await take(kill, { before: [{ ...listen, name: 'server' }], log: 'listening\n' });
    expect(done).toEqual(['SIGKILL']);
    expect(seen).toMatchObject([{ what: 'the end of server', met: true, lastSeen: 'it was killed' }]);
  });

  test('that was not started cannot be killed', async () => {
    const { seen } = await take(kill);
    expect(seen).toEqual([{ kind: 'not-run', why: 'server was not started' }]);
  });

  test('that never listens fails', async () => {
    const { seen } = await take(listen, { log: 'listen tcp :80: bind: address already in use\n' });
    expect(seen).toMatchObject([
      { met: false, timedOut: false, lastSeen: 'listen tcp :80: bind: address already in use' },
    ]);
  });

  test('in a host-network pod is in no other network', async () => {
    const { done } = await take(
      { ...listen, in: 'web' },
      { ...PODS, pods: [{ ...pod, hostNetwork: true }], log: 'listening\n' },
    );
    expect(done).toEqual(['start /lab/bin/agent listen --protocol tcp --port 80 --answer ']);
  });
});

describe('a step that cannot be taken gives the reason and does nothing', () => {
  const blind: NodeState = state([], [{ kind: 'sandbox', why: 'no socket' }]);
  const CANNOT: readonly (readonly [PlannedAction, TakeOptions, string])[] = [
    [runPod, { runtimeRuns: false }, 'containerd does not run'],
    [{ do: 'stop-pod', pod: 'web' }, {}, 'no sandbox of pod web was ever listed'],
    [{ do: 'stop-listed-pods' }, { looks: [blind] }, 'which pods there are is not known: no socket'],
    [{ do: 'start-container', container: 'app' }, {}, 'container app was not created'],
    [{ do: 'exec', argv: ['ping', '${web.ip}'] }, {}, '${web.ip} is not known'],
    [{ do: 'connect', from: 'web', to: '10.0.0.1:80' }, {}, 'no sandbox of pod web was ever listed'],
    [{ do: 'start-runtime' }, {}, 'containerd runs already'],
    [{ do: 'stop-runtime' }, { runtimeRuns: false }, 'containerd does not run'],
    [
      { do: 'wait-for', condition: { until: 'pod', pod: 'web', state: 'ready' } },
      { looks: [state(), blind] },
      'nobody could see pod web to be ready: no socket',
    ],
    [{ do: 'start-kubelet' }, {}, 'the kubelet runs already'],
    [
      { do: 'wait-for', condition: { until: 'cluster', cluster: TWO_READY } },
      {},
      'nobody could see pods of web of the cluster: connection refused',
    ],
    [
      { do: 'wait-for', condition: { until: 'network-ready', network: { place: at(1), ready: true } } },
      { status: { answered: false, why: 'connection refused' } },
      'nobody could see the network to be ready: connection refused',
    ],
  ];
  test.each(CANNOT)('%o', async (action, options, why) => {
    expect(await take(action, options)).toEqual({ done: [], seen: [{ kind: 'not-run', why }] });
  });
});

test('a cluster that nobody can see any more is not waited for', async () => {
  let looks = 0;
  const wait = { do: 'wait-for', condition: { until: 'cluster', cluster: TWO_READY } } as const;
  const unseen = 'etcd on control-plane ended by SIGKILL';
  const look = (more: object) => () => {
    looks += 1;
    return { unseen, ...more };
  };
  expect(await take(wait, { lookAtCluster: look({ forGood: true }) })).toEqual({
    done: [],
    seen: [{ kind: 'not-run', why: `nobody could see pods of web of the cluster: ${unseen}` }],
  });
  expect(looks).toBe(1);
  await take(wait, { lookAtCluster: look({}) });
  expect(looks).toBeGreaterThan(3);
});

describe('a step in the background', () => {
  /** The journal of steps on a fake node, by kind and step. */
  async function journal(steps: readonly (readonly [PlannedAction, string?])[], fake: FakeNodeOptions) {
    const { node, clock } = fakeNode(fake);
    const observed: Observation[] = [];
    const stepper = createStepper({
      node,
      clock,
      runtime: {
        kind: RUNTIMES.containerd,
        start: () => Promise.reject(new Error('nobody starts it')),
        adopt: () => Promise.reject(new Error('nobody adopts it')),
        end: async () => undefined,
        rebootNode: () => Promise.reject(new Error('nobody reboots its node')),
        state: async () => 'running',
      },
      artifact: () => fakeArtifact('none'),
      observe: (one) => observed.push(one),
      settleMs: 0,
    });
    for (const [index, [action, name]] of steps.entries()) {
      const id = `${index + 1}-${action.do}`;
      await stepper.take({ id, action, ...present({ background: name }), timeoutMs: 100, pods: [pod] });
    }
    const some = await stepper.endBackground();
    const lines = observed.flatMap((one) =>
      'stepId' in one && one.kind !== 'runtime-log' && one.stepId !== 'start'
        ? [`${one.stepId} ${one.kind}`]
        : [],
    );
    return { lines, some, observed };
  }
  const slow = [{ do: 'exec', argv: ['sleep', 'infinity'] }, 'slow'] as const;
  const wait = [{ do: 'wait-for', condition: { until: 'background', background: 'slow' } }] as const;
  const hangs = (argv: readonly string[]) => argv[0] === 'sleep';

  test('is looked at once it has ended, before the step that waited for it', async () => {
    const { lines, some } = await journal(
      [[{ do: 'exec', argv: ['true'] }, 'slow'], [{ do: 'exec', argv: ['true'] }], wait],
      {},
    );
    expect(some).toBe(false);
    expect(lines).toEqual([
      '1-exec step-started',
      '1-exec command',
      '2-exec step-started',
      '2-exec command',
      '2-exec look',
      '2-exec step-ended',
      '3-wait-for step-started',
      '3-wait-for waited',
      '1-exec look',
      '1-exec step-ended',
      '3-wait-for look',
      '3-wait-for step-ended',
    ]);
  });

  test('continues after a failed wait, and is killed at the end', async () => {
    const { lines, some, observed } = await journal([slow, wait], { hangs });
    expect(some).toBe(true);
    expect(lines).toEqual([
      '1-exec step-started',
      '2-wait-for step-started',
      '2-wait-for waited',
      '2-wait-for look',
      '2-wait-for step-ended',
      '1-exec command',
      '1-exec look',
      '1-exec step-ended',
    ]);
    expect(observed).toContainEqual(expect.objectContaining({ kind: 'waited', met: false }));
    expect(observed.flatMap((one) => (one.kind === 'command' ? [one.result.killed] : []))).toEqual([true]);
  });

  test('that the lab could not take ends the run at the wait for it', async () => {
    const taking = journal([slow, wait], {
      exec: () => {
        throw new Error('the node is gone');
      },
    });
    await expect(taking).rejects.toThrow('the node is gone');
  });
});

test('a connection that could not be tried is not an answer', async () => {
  const refused = { ...result([]), exitCode: 69, stderr: 'no such namespace\n' };
  const { seen } = await take({ do: 'connect', from: 'node', to: '10.0.0.1:80' }, { exec: () => refused });
  expect(seen.at(-1)).toEqual({ kind: 'not-run', why: 'no such namespace' });
});

test('a plugin that could not be called is not an answer, one that ends with the same code is', async () => {
  const call = { do: 'cni', verb: 'status' } as const;
  const ends = (stderr: string) => take(call, { exec: () => ({ exitCode: 69, stderr }) });
  expect((await ends('agent cni: no such folder\n')).seen.at(-1)).toEqual({
    kind: 'not-run',
    why: 'no such folder',
  });
  expect((await ends('no\n')).seen).toEqual([
    { kind: 'command', argv: '/lab/bin/agent cni status', exitCode: 69 },
  ]);
});

test('each further run of a pod is its next attempt', async () => {
  const { seen } = await take(runPod, { before: [runPod], exec: printsId(ID) });
  expect(seen[0]).toEqual({ kind: 'capture', name: 'web.attempts', value: '2' });
});

test('if a pod did not start, the sandbox that it left is stopped', async () => {
  const fails = (argv: readonly string[]) => (argv[1] === 'runp' ? { exitCode: 1 } : {});
  const { done } = await take({ do: 'stop-pod', pod: 'web' }, { ...PODS, exec: fails });
  expect(done).toEqual([`crictl stopp ${ID}`]);
});

describe('the network of the runtime', () => {
  const NOT_READY: RuntimeStatus = {
    ...ANSWERS,
    networkReady: false,
    networkReason: 'NetworkPluginNotReady',
    networkMessage: 'Network plugin returns error: no plugin',
  };
  const waitFor = (reason: string, message: string): PlannedAction => ({
    do: 'wait-for',
    condition: {
      until: 'network-ready',
      network: { place: at(1), ready: false, reason: exactly(reason), message: exactly(message) },
    },
  });

  test('is waited for by reason and message, and captures of the message are known afterwards', async () => {
    const action = waitFor('NetworkPluginNotReady', 'Network plugin returns error: no ${what:word}');
    const { seen } = await take(action, { status: NOT_READY });
    expect(seen).toMatchObject([
      { kind: 'capture', name: 'what', value: 'plugin' },
      { kind: 'waited', met: true, what: 'the network not to be ready' },
    ]);
  });

  test.each([
    ['NetworkPluginNotReady', 'Network plugin returns error: no plugins'],
    ['NetworkPluginReady', 'Network plugin returns error: no plugin'],
  ])('is not as it was wanted (%s, %s)', async (reason, message) => {
    const { seen } = await take(waitFor(reason, message), { status: NOT_READY });
    expect(seen).toMatchObject([
      {
        kind: 'waited',
        met: false,
        lastSeen:
          'NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: no plugin',
      },
    ]);
  });

  test('is asked for only by the looks that need it, because the runtime may call plugins to answer', async () => {
    const asked: string[] = [];
    const { node, clock } = fakeNode({ status: NOT_READY });
    const observed: Observation[] = [];
    const stepper = createStepper({
      node: {
        ...node,
        async runtimeStatus() {
          asked.push('status');
          return NOT_READY;
        },
      },
      clock,
      runtime: {
        kind: RUNTIMES.containerd,
        start: () => Promise.reject(new Error('nobody starts it')),
        adopt: () => Promise.reject(new Error('nobody adopts it')),
        end: async () => undefined,
        rebootNode: () => Promise.reject(new Error('nobody reboots its node')),
        state: async () => 'running',
      },
      artifact: () => fakeArtifact('none'),
      observe: (one) => observed.push(one),
      settleMs: 0,
      asksNetwork: (stepId) => stepId === '2-exec',
    });
    for (const id of ['1-exec', '2-exec'])
      await stepper.take({ id, action: { do: 'exec', argv: ['true'] }, timeoutMs: 1000, pods: [] });
    expect(asked).toEqual(['status']);
    expect(observed.flatMap((one) => (one.kind === 'look' ? [one.state.network] : []))).toEqual([
      undefined,
      undefined,
      {
        ready: false,
        reason: 'NetworkPluginNotReady',
        message: 'Network plugin returns error: no plugin',
      },
    ]);
  });
});

test('a wait ends after its timeout, with the last state', async () => {
  const condition = { until: 'pod', pod: 'web', state: 'absent' } as const;
  const { seen } = await take({ do: 'wait-for', condition }, { looks: [WITH_POD] });
  expect(seen).toEqual([
    {
      kind: 'waited',
      what: 'pod web to be absent',
      met: false,
      timedOut: false,
      lastSeen: 'pod web is ready',
      waitedMs: 1000,
    },
  ]);
});

test('a scripted plugin is a link to the common program, and a script with its name', async () => {
  const fake = { add: [{ exitCode: 3 }] };
  expect(await take({ do: 'fake-plugin', plugin: 'mycni', fake })).toEqual({
    done: [
      'write /lab/fake-plugins/mycni.json',
      'link /opt/cni/bin/mycni to /lab/artifacts/cni-plugins/bin/bridge',
    ],
    seen: [
      {
        kind: 'files',
        written: ['/lab/fake-plugins/mycni.json', '/opt/cni/bin/mycni'],
        removed: [],
        absent: [],
      },
    ],
  });
});

test('a scripted plugin that does not follow its script ends the run', async () => {
  const says = 'the scripted plugin mycni of cnilab cannot follow its script: no such plugin';
  const failed = { exitCode: 1, stderr: `failed (add): ${says}\n` };
  await expect(take(runPod, { exec: () => failed })).rejects.toThrow(says);
});

test('a reboot kills background steps, which then have no answer', async () => {
  const observed: Observation[] = [];
  let end: () => void = () => undefined;
  const killed = new Promise<void>((resolve) => (end = resolve));
  const { node, clock } = fakeNode();
  const stepper = createStepper({
    node: {
      ...node,
      async exec(argv) {
        await killed;
        return { ...result(argv), exitCode: null, signal: 'SIGKILL' };
      },
    },
    clock,
    runtime: {
      kind: RUNTIMES.containerd,
      start: async () => ANSWERS,
      adopt: () => Promise.reject(new Error('nobody adopts it')),
      end: async () => undefined,
      rebootNode: async () => end(),
      state: async () => 'ended',
    },
    artifact: ({ component }) => fakeArtifact(component),
    observe: (observation) => observed.push(observation),
    settleMs: 0,
  });
  const limits = { timeoutMs: 1000, pods: [] };
  const sleep: PlannedAction = { do: 'exec', argv: ['sleep', 'infinity'] };
  await stepper.take({ id: '1-exec', action: sleep, background: 'sleeper', ...limits });
  await stepper.take({ id: '2-reboot', action: { do: 'reboot' }, ...limits });
  await stepper.endBackground();
  expect(observed.find(({ kind }) => kind === 'command')).toMatchObject({
    stepId: '1-exec',
    result: { signal: 'SIGKILL', killed: true },
  });
});

import { expect, test } from 'vitest';

import { BadInput } from '../../lab/core/lab-error.ts';
import { RuntimeNode } from '../../lab/library/runtime-node.ts';
import { matchers } from '../../lab/library/matchers.ts';
import type { StartedNode } from '../../lab/library/started-node.ts';
import { fakeStartedNode, stateOf } from '../rig/fake-started-node.ts';

const node = new RuntimeNode().withContainerd('1.6.4');
const around: Record<string, unknown> = {};
around['self'] = around;

/** A value from JavaScript, without a check of its type. */
const any = (value: unknown): never => value as never;

test.each<[string, () => unknown, string]>([
  [
    'a version that is a number',
    () => new RuntimeNode().withContainerd(any(5)),
    'withContainerd: wanted a text without U+0000; got 5',
  ],
  [
    'options in place of a version',
    () => new RuntimeNode().withContainerd(any({ runc: '1' })),
    'withContainerd: wanted a text without U+0000; got an object (Object)',
  ],
  [
    'a version where none is taken',
    () => new (RuntimeNode as new (version: string) => unknown)('1.6.4'),
    'RuntimeNode: takes nothing; got "1.6.4"; a version goes to withContainerd or withCrio',
  ],
  [
    'half a version of CRI-O',
    () => new RuntimeNode().withCrio('1.34'),
    'withCrio: wanted a whole version such as "1.34.0"; got "1.34"',
  ],
  [
    'half a version',
    () => new RuntimeNode().withContainerd('1.6'),
    'withContainerd: wanted a whole version such as "1.6.0"; got "1.6"',
  ],
  [
    'a version with a v',
    () => node.withRunc('v1.1.5'),
    'withRunc: a version has no "v" before it: write "1.1.5"; got "v1.1.5"',
  ],
  [
    'no version',
    () => node.withCrictl(any(undefined)),
    'withCrictl: wanted a text without U+0000; got undefined',
  ],
  [
    'plugins that are none',
    () => node.withCniPlugins('non'),
    'withCniPlugins: wanted a version such as 1.6.3, gomod:1.6.3, debian:bookworm, local:../build/bin or default; got "non"',
  ],
  [
    'a backend that there is not',
    () => node.withBackend(any('docker')),
    'withBackend: wanted one of auto, bare, container, vm, kind; got "docker"',
  ],
  [
    'a backend with a slip',
    () => node.withBackend(any('brae')),
    'withBackend: wanted one of auto, bare, container, vm, kind; got "brae"; did you mean "bare"?',
  ],
  ['a plugin without a path', () => node.withPlugin(''), 'withPlugin: wanted the path of a file; got ""'],
  [
    'a configuration outside its folder',
    () => node.withCniConfig('../../x', 'y'),
    'withCniConfig: wanted the name of a file in /etc/cni/net.d; got "../../x"',
  ],
  [
    'a network whose name is a path',
    () => node.withCniConfig({ name: '../x', plugins: [] }),
    'withCniConfig: wanted the name of a file in /etc/cni/net.d; got "10-../x.conflist"',
  ],
  [
    'a configuration with U+0000 in its name',
    () => node.withCniConfig('a\0b', 'y'),
    'withCniConfig: wanted a text without U+0000; got "a\\u0000b"',
  ],
  [
    'a configuration without a name',
    () => node.withCniConfig('', 'y'),
    'withCniConfig: wanted the name of a file in /etc/cni/net.d; got ""',
  ],
  [
    'a configuration that is a number',
    () => node.withCniConfig('a', any(5)),
    'withCniConfig content: wanted an object; got 5',
  ],
  [
    'a configuration with a function in it',
    () => node.withCniConfig({ name: 'a', plugins: [any(() => 1)] }),
    'withCniConfig plugins 0: wanted what JSON can say; got a function',
  ],
  [
    'a configuration that contains itself',
    () => node.withCniConfig(any(around)),
    'withCniConfig self: this object contains itself, which JSON cannot say',
  ],
  [
    'a table that is a list',
    () => node.withRuntimeConfig(any([])),
    'withRuntimeConfig: wanted an object; got an empty list',
  ],
  [
    'a relative path on the node',
    () => node.withFile('etc/x', 'y'),
    'withFile: wanted an absolute path of a file; got "etc/x"',
  ],
  [
    'a mode in words',
    () => node.withFile('/etc/x', 'y', any('0644')),
    'withFile mode: wanted a whole number from 0 to 4095; got "0644"',
  ],
  [
    'a scripted plugin whose name is a path',
    () => node.withScriptedPlugin('../mycni', {}),
    'withScriptedPlugin: wanted the name of a plugin; got "../mycni"',
  ],
  [
    'a verb that CNI does not have',
    () => node.withScriptedPlugin('mycni', any({ ad: 'ok' })),
    'withScriptedPlugin: unknown key "ad"; did you mean "add"? allowed here: add, del, check, status, version, gc, others',
  ],
  [
    'a call that is a number',
    () => node.withScriptedPlugin('mycni', { del: any(['ok', 5]) }),
    'withScriptedPlugin del[1]: wanted an object; got 5',
  ],
  [
    'two answers to one call',
    () => node.withScriptedPlugin('mycni', { add: { result: {}, print: '' } }),
    'withScriptedPlugin add: it answers with one of result, error, print and versions',
  ],
  [
    'two ends of one call',
    () => node.withScriptedPlugin('mycni', { add: { exitCode: 1, hang: 'both' } }),
    'withScriptedPlugin add: it ends with an exitCode, by a signal, or never (hang)',
  ],
  [
    'a result of a verb that has none',
    () => node.withScriptedPlugin('mycni', { del: { result: {} } }),
    'withScriptedPlugin del: only add has a result; print: prints anything',
  ],
  [
    'a plugin that would call itself',
    () => node.withScriptedPlugin('bridge', { add: { delegate: 'bridge' } }),
    'withScriptedPlugin: "bridge" would call itself: give the scripted plugin a name of its own, and name that in the conflist',
  ],
])('%s is refused at once', (_name, work, message) => {
  expect(work).toThrow(new BadInput(message));
});

test('an unknown key of start() is rejected', async () => {
  await expect(node.start(any({ onprogress: () => undefined }))).rejects.toThrow(
    new BadInput(
      'start: unknown key "onprogress"; did you mean "onProgress"? allowed here: signal, onProgress',
    ),
  );
});

test.each<[string, (started: StartedNode) => Promise<unknown>, string]>([
  [
    'a key of a pod with a slip',
    (started) => started.runPod(any({ hostPort: 1 })),
    'runPod: unknown key "hostPort"; did you mean "hostPorts"? allowed here: name, hostPorts, annotations, labels, hostNetwork, namespace, uid, hostname, dns, sysctls, namespaces, runtimeHandler',
  ],
  [
    'host ports that are no list',
    (started) => started.runPod({ hostPorts: any(80) }),
    'runPod hostPorts: wanted a list; got 80',
  ],
  [
    'a port above all ports',
    (started) => started.runPod({ hostPorts: [{ hostPort: 70_000, containerPort: 80 }] }),
    'runPod hostPorts[0] hostPort: wanted a whole number from 1 to 65535; got 70000',
  ],
  [
    'a protocol that there is not',
    (started) => started.runPod({ hostPorts: [{ hostPort: 1, containerPort: 80, protocol: any('TCP') }] }),
    'runPod hostPorts[0] protocol: wanted one of tcp, udp, sctp; got "TCP"; did you mean "tcp"?',
  ],
  [
    'a label that is a number',
    (started) => started.runPod({ labels: { a: any(1) } }),
    'runPod labels a: wanted a text without U+0000; got 1',
  ],
  [
    'a pod of capital letters',
    (started) => started.runPod('Web_1'),
    'runPod: wanted a name of small letters, digits and dashes; got "Web_1"',
  ],
  [
    'a pod whose name is a path',
    (started) => started.runPod({ name: '../x' }),
    'runPod name: wanted a name of small letters, digits and dashes; got "../x"',
  ],
  [
    'a pod whose name means the node',
    (started) => started.runPod('node'),
    'runPod: "node" means something else already; take another name',
  ],
  ['a pod that is null', (started) => started.runPod(any(null)), 'runPod: wanted an object; got null'],
  [
    'an address that is none',
    (started) => started.connect('garbage'),
    'connect: wanted an address and a port from 1 to 65535: 10.88.0.1:80, ${web.ip}:80 or [${web.ip6}]:80; got "garbage"',
  ],
  [
    'an address with a capture',
    (started) => started.connect('${web.ip}:80'),
    'connect: wanted an address and a port, as a program knows them; got "${web.ip}:80"',
  ],
  [
    'a key of a connection',
    (started) => started.connect('10.88.0.2:80', any({ sned: 'x' })),
    'connect: unknown key "sned"; did you mean "send"? allowed here: send',
  ],
  ['no command', (started) => started.exec([]), 'exec: wanted a list of at least 1; got an empty list'],
  [
    'a command as one text',
    (started) => started.exec(any('ip a')),
    'exec: wanted a list of at least 1; got "ip a"',
  ],
  [
    'a command with a number',
    (started) => started.exec(any(['sleep', 5])),
    'exec[1]: wanted a text without U+0000; got 5',
  ],
  [
    'a limit without a number',
    (started) => started.exec(['true'], { timeoutMs: any('5s') }),
    'exec timeoutMs: wanted a whole number from 1 to 86400000; got "5s"',
  ],
  [
    'a key of a command',
    (started) => started.exec(['true'], any({ timeout: 5 })),
    'exec: unknown key "timeout"; did you mean "timeoutMs"? allowed here: stdin, env, cwd, timeoutMs',
  ],
  [
    'a relative file',
    (started) => started.readFile('etc/x'),
    'readFile: wanted an absolute path of a file; got "etc/x"',
  ],
  [
    'a file without content',
    (started) => started.writeFile('/x', any(undefined)),
    'writeFile content: wanted a text or a Uint8Array; got undefined',
  ],
  [
    'a folder in place of a file',
    (started) => started.removeFile('/'),
    'removeFile: wanted an absolute path of a file; got "/"',
  ],
  [
    'a key of a removal',
    (started) => started.pod('web').remove(any({ forced: true })),
    'remove: unknown key "forced"; did you mean "force"? allowed here: force',
  ],
  [
    'no command for a container',
    (started) => started.pod('web').runContainer([]),
    'runContainer: wanted a list of at least 1; got an empty list',
  ],
  [
    'a kind that there is not',
    (started) => matchers.toLeaveBehind(started, any({ ipams: 1 })),
    'toLeaveBehind: unknown key "ipams"; did you mean "ipam"? allowed here: ',
  ],
  [
    'a kind with a text',
    (started) => matchers.toLeaveBehind(started, any({ ipam: 'one' })),
    'toLeaveBehind ipam: wanted a whole number or a list of names; got "one"',
  ],
  [
    'less than none',
    (started) => matchers.toLeaveBehind(started, { netns: -1 }),
    'toLeaveBehind netns: wanted a whole number or a list of names; got -1',
  ],
  [
    'a part without a reason',
    () => matchers.toFailWith(() => undefined, any({ contains: 'x' })),
    'toFailWith why: wanted a text without U+0000; got undefined',
  ],
  [
    'a text that did not fail',
    () => matchers.toFailWith('hello', 'x'),
    'toFailWith wants a step under way (not awaited), a function that takes one, or the result of a command; got "hello"',
  ],
  [
    'a step that was awaited',
    () => matchers.toFailWith(undefined, 'x'),
    'toFailWith wants a step under way (not awaited), a function that takes one, or the result of a command; got undefined',
  ],
  [
    'what stays of a promise',
    (started) => matchers.toLeaveNothingBehind(Promise.resolve(started)),
    'toLeaveNothingBehind wants a node that was started; got a promise; await it first',
  ],
  [
    'a script with a slip, of a node that is up',
    (started) => started.scriptPlugin('mycni', any({ add: { exitcode: 1 } })),
    'scriptPlugin add: unknown key "exitcode"; did you mean "exitCode"? allowed here: ',
  ],
  [
    'a call with a verb that CNI does not have',
    (started) => matchers.toHaveCalledPlugin(started, 'bridge REMOVE'),
    'toHaveCalledPlugin: no verb of CNI is called REMOVE; there are ADD, DEL, CHECK, STATUS, VERSION, GC',
  ],
  [
    'a call that is a sentence',
    (started) => matchers.toHaveCalledPlugin(started, 'the bridge'),
    'toHaveCalledPlugin: wanted a call such as bridge ADD; got "the bridge"',
  ],
  [
    'a call with a slip',
    (started) => matchers.toHaveCalledPlugin(started, any({ plugins: 'bridge' })),
    'toHaveCalledPlugin: unknown key "plugins"; did you mean "plugin"? allowed here: plugin, verb, ',
  ],
  [
    'an order of one call',
    (started) => matchers.toHaveCalledPluginsInOrder(started, ['bridge ADD']),
    'toHaveCalledPluginsInOrder: wanted a list of at least 2; got a list',
  ],
  [
    'an order with a count',
    (started) => matchers.toHaveCalledPluginsInOrder(started, ['bridge ADD', any({ times: 2 })]),
    'toHaveCalledPluginsInOrder[1]: unknown key "times";',
  ],
  [
    'the calls of something else',
    () => matchers.toHaveCalledPlugin('a node', 'bridge ADD'),
    'toHaveCalledPlugin wants a node that was started, or a pod; got "a node"',
  ],
])('%s is refused before anything is done', async (_name, work, message) => {
  const { started, done } = await fakeStartedNode({ looks: [stateOf([])] });
  const thrown = await work(started).then(
    () => 'nothing',
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(BadInput);
  expect((thrown as BadInput).message.slice(0, message.length)).toBe(message);
  expect(done).toEqual([]);
});

import { describe, expect, test } from 'vitest';
import { unwrapCrictlError } from '../../lab/judge/crictl-error.ts';

// Standard error of official releases and of the lab's own crictl, recorded on containerd 1.6.4, byte for byte.

const ID = 'ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692';

describe('a pod that does not start gives the same message through every crictl', () => {
  test.each([
    [
      '1.22.0',
      String.raw`time="2026-11-21T13:21:08Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
`,
    ],
    [
      '1.25.0',
      String.raw`E1121 13:21:30.678179     598 remote_runtime.go:222] "RunPodSandbox from runtime service failed" err="rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
time="2026-11-21T13:21:30Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
`,
    ],
    [
      '1.27.0',
      String.raw`E1121 13:21:32.573964     943 remote_runtime.go:176] "RunPodSandbox from runtime service failed" err="rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
time="2026-11-21T13:21:32Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
`,
    ],
    [
      '1.30.0',
      String.raw`E1121 13:21:34.543471    1290 remote_runtime.go:193] "RunPodSandbox from runtime service failed" err="rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
time="2026-11-21T13:21:34Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
`,
    ],
    [
      '1.36.0',
      [
        String.raw`time="2026-11-21T13:21:36Z" level=warning msg="Config \"/etc/crictl.yaml\" does not exist, trying next: \"/tmp/official-crictl/1.36.0/crictl.yaml\""`,
        'time="2026-11-21T13:21:36Z" level=warning msg="cgroup_parent is not set. Use `runtime-config` to get the runtime cgroup driver"',
        String.raw`E1121 13:21:36.425550    1648 remote_runtime.go:237] "RunPodSandbox from runtime service failed" err="rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"`,
        String.raw`time="2026-11-21T13:21:36Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"`,
        String.raw``,
      ].join('\n'),
    ],
    [
      'ours',
      String.raw`E1121 13:21:38.259590    2025 remote_runtime.go:222] "RunPodSandbox from runtime service failed" err="rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
time="2026-11-21T13:21:38Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\"]"
`,
    ],
  ])('%s', (_, stderr) => {
    expect(unwrapCrictlError(stderr)).toEqual({
      code: 'Unknown',
      message: `failed to setup network for sandbox "${ID}": plugin type="bridge" failed (add): incompatible CNI versions; config is "1.0.0", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0"]`,
    });
  });
});

describe('the id before the message is not part of it', () => {
  test.each([
    [
      '1.22.0',
      String.raw`time="2026-11-21T13:21:08Z" level=fatal msg="stopping the pod sandbox \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found"
`,
    ],
    [
      '1.25.0',
      String.raw`E1121 13:21:30.800472     658 remote_runtime.go:269] "StopPodSandbox from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found" podSandboxID="nope"
time="2026-11-21T13:21:30Z" level=fatal msg="stopping the pod sandbox \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found"
`,
    ],
    [
      '1.27.0',
      String.raw`E1121 13:21:32.700933    1002 remote_runtime.go:205] "StopPodSandbox from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found" podSandboxID="nope"
time="2026-11-21T13:21:32Z" level=fatal msg="stopping the pod sandbox \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found"
`,
    ],
    [
      '1.30.0',
      String.raw`E1121 13:21:34.668039    1354 remote_runtime.go:222] "StopPodSandbox from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found" podSandboxID="nope"
time="2026-11-21T13:21:34Z" level=fatal msg="stopping the pod sandbox \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found"
`,
    ],
    [
      '1.36.0',
      String.raw`time="2026-11-21T13:21:36Z" level=warning msg="Config \"/etc/crictl.yaml\" does not exist, trying next: \"/tmp/official-crictl/1.36.0/crictl.yaml\""
E1121 13:21:36.548810    1715 remote_runtime.go:267] "StopPodSandbox from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found" podSandboxID="nope"
time="2026-11-21T13:21:36Z" level=fatal msg="stopping the pod sandbox \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found"
`,
    ],
    [
      'ours',
      String.raw`E1121 13:21:38.359883    2082 remote_runtime.go:269] "StopPodSandbox from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found" podSandboxID="nope"
time="2026-11-21T13:21:38Z" level=fatal msg="stopping the pod sandbox \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox \"nope\": not found"
`,
    ],
  ])('%s', (_, stderr) => {
    expect(unwrapCrictlError(stderr)).toEqual({
      code: 'NotFound',
      message: 'an error occurred when try to find sandbox "nope": not found',
    });
  });
});

describe('rmp of several pods prints separate errors or one for all; the first one counts', () => {
  test.each([
    [
      '1.22.0',
      String.raw`getting sandbox status of pod "nope": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
getting sandbox status of pod "nope2": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
`,
    ],
    [
      '1.25.0',
      String.raw`getting sandbox status of pod "nope2": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
getting sandbox status of pod "nope": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
`,
    ],
    [
      '1.27.0',
      String.raw`getting sandbox status of pod "nope2": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
getting sandbox status of pod "nope": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
`,
    ],
    [
      '1.30.0',
      String.raw`getting sandbox status of pod "nope2": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
getting sandbox status of pod "nope": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
`,
    ],
    [
      '1.36.0',
      String.raw`time="2026-11-21T13:21:36Z" level=warning msg="Config \"/etc/crictl.yaml\" does not exist, trying next: \"/tmp/official-crictl/1.36.0/crictl.yaml\""
time="2026-11-21T13:21:36Z" level=fatal msg="getting sandbox status of pod \"nope\": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found\ngetting sandbox status of pod \"nope2\": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found"
`,
    ],
    [
      'ours',
      String.raw`getting sandbox status of pod "nope2": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
getting sandbox status of pod "nope": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found
`,
    ],
  ])('%s', (_, stderr) => {
    expect(unwrapCrictlError(stderr)).toEqual({
      code: 'NotFound',
      message: 'an error occurred when try to find sandbox: not found',
    });
  });
});

describe('an error of crictl itself has no code', () => {
  test.each([
    [
      '1.22.0',
      String.raw`pod sandbox "ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692" is running, please stop it first
`,
    ],
    [
      '1.25.0',
      String.raw`pod sandbox "ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692" is running, please stop it first
`,
    ],
    [
      '1.27.0',
      String.raw`pod sandbox "ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692" is running, please stop it first
`,
    ],
    [
      '1.30.0',
      String.raw`pod sandbox "ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692" is running, please stop it first
`,
    ],
    [
      '1.36.0',
      String.raw`time="2026-11-21T13:21:36Z" level=warning msg="Config \"/etc/crictl.yaml\" does not exist, trying next: \"/tmp/official-crictl/1.36.0/crictl.yaml\""
time="2026-11-21T13:21:36Z" level=fatal msg="pod sandbox \"ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692\" is running, please stop it first"
`,
    ],
    [
      'ours',
      String.raw`pod sandbox "ae0e1f5c31c8cffd81346c07d7608116c589a20881ddc3c09ac4fde5c7b2c692" is running, please stop it first
`,
    ],
  ])('%s', (_, stderr) => {
    expect(unwrapCrictlError(stderr)).toEqual({
      message: `pod sandbox "${ID}" is running, please stop it first`,
    });
  });
});

describe('rm prints the reason one line above its own error', () => {
  test.each([
    [
      '1.22.0',
      String.raw`time="2026-11-21T13:21:09Z" level=error msg="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found"
time="2026-11-21T13:21:09Z" level=fatal msg="unable to remove container(s)"
`,
    ],
    [
      '1.25.0',
      String.raw`E1121 13:21:30.937963     704 remote_runtime.go:625] "ContainerStatus from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found" containerID="nope"
time="2026-11-21T13:21:30Z" level=error msg="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found"
time="2026-11-21T13:21:30Z" level=fatal msg="unable to remove container(s)"
`,
    ],
    [
      '1.27.0',
      String.raw`E1121 13:21:32.883556    1051 remote_runtime.go:415] "ContainerStatus from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found" containerID="nope"
time="2026-11-21T13:21:32Z" level=error msg="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found"
time="2026-11-21T13:21:32Z" level=fatal msg="unable to remove container(s)"
`,
    ],
    [
      '1.30.0',
      String.raw`E1121 13:21:34.821750    1402 remote_runtime.go:432] "ContainerStatus from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found" containerID="nope"
time="2026-11-21T13:21:34Z" level=error msg="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found"
time="2026-11-21T13:21:34Z" level=fatal msg="unable to remove container(s)"
`,
    ],
    [
      '1.36.0',
      String.raw`time="2026-11-21T13:21:36Z" level=warning msg="Config \"/etc/crictl.yaml\" does not exist, trying next: \"/tmp/official-crictl/1.36.0/crictl.yaml\""
E1121 13:21:36.689418    1774 remote_runtime.go:569] "ContainerStatus from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found" containerID="nope"
time="2026-11-21T13:21:36Z" level=fatal msg="getting container status \"nope\": rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found"
`,
    ],
    [
      'ours',
      String.raw`E1121 13:21:38.463948    2127 remote_runtime.go:625] "ContainerStatus from runtime service failed" err="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found" containerID="nope"
time="2026-11-21T13:21:38Z" level=error msg="rpc error: code = NotFound desc = an error occurred when try to find container \"nope\": not found"
time="2026-11-21T13:21:38Z" level=fatal msg="unable to remove container(s)"
`,
    ],
  ])('%s', (_, stderr) => {
    expect(unwrapCrictlError(stderr)).toEqual({
      code: 'NotFound',
      message: 'an error occurred when try to find container "nope": not found',
    });
  });
});

describe('a socket on which nobody listens', () => {
  const noSuchFile = (dialing: string) =>
    `connection error: desc = "transport: Error while ${dialing} dial unix /run/dead.sock: connect: no such file or directory"`;
  test.each([
    [
      '1.22.0, which waits and knows nothing',
      String.raw`time="2026-11-21T13:21:29Z" level=fatal msg="connect: connect endpoint 'unix:///run/dead.sock', make sure you are running as root and the endpoint has been started: context deadline exceeded"
`,
      {
        message:
          "connect: connect endpoint 'unix:///run/dead.sock', make sure you are running as root and the endpoint has been started: context deadline exceeded",
      },
    ],
    [
      '1.25.0',
      String.raw`time="2026-11-21T13:21:31Z" level=fatal msg="unable to determine runtime API version: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial unix /run/dead.sock: connect: no such file or directory\""
`,
      { code: 'Unavailable', message: noSuchFile('dialing') },
    ],
    [
      '1.36.0',
      String.raw`time="2026-11-21T13:21:36Z" level=warning msg="Config \"/etc/crictl.yaml\" does not exist, trying next: \"/tmp/official-crictl/1.36.0/crictl.yaml\""
time="2026-11-21T13:21:36Z" level=fatal msg="validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/dead.sock\": rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/dead.sock: connect: no such file or directory\""
`,
      { code: 'Unavailable', message: noSuchFile('dialing:') },
    ],
    [
      'ours',
      String.raw`time="2026-11-21T13:21:38Z" level=fatal msg="unable to determine runtime API version: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial unix /run/dead.sock: connect: no such file or directory\""
`,
      { code: 'Unavailable', message: noSuchFile('dialing') },
    ],
  ])('%s', (_, stderr, error) => {
    expect(unwrapCrictlError(stderr)).toEqual(error);
  });
});

test('the error of a command in a container omits the container’s name, which only 1.36 prints', () => {
  const words = String.raw`synchronously: command 'false' exited with 1: "`;
  const line = (prefix: string) => `time="2026-11-21T13:19:21Z" level=fatal msg="${prefix} ${words}\n`;
  const message = "command 'false' exited with 1: ";
  expect(unwrapCrictlError(line('execing command in container'))).toEqual({ message });
  expect(unwrapCrictlError(line('execing command in container 1f4415ad'))).toEqual({ message });
});

test('a message of several lines stays complete in each of the three forms', () => {
  const error = { code: 'Unknown', message: 'first\n\tsecond "line"\nthird' };
  const klog =
    'E1121 13:21:30.678179     598 remote_runtime.go:222] "RunPodSandbox from runtime service failed" err=<\n\trpc error: code = Unknown desc = first\n\t\tsecond "line"\n\tthird\n >\n';
  const fatal = String.raw`time="2026-11-21T13:21:30Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = first\n\tsecond \"line\"\nthird"`;
  expect(unwrapCrictlError(`${klog}${fatal}\n`)).toEqual(error);
  expect(
    unwrapCrictlError(
      `removing the pod sandbox "a": rpc error: code = Unknown desc = ${error.message}\nremoving the pod sandbox "b": rpc error: code = NotFound desc = not found\n`,
    ),
  ).toEqual(error);
});

test('the message of an error inside an error is the outer one’s', () => {
  expect(
    unwrapCrictlError(
      'time="2026-11-21T13:21:30Z" level=fatal msg="run pod sandbox: rpc error: code = Unknown desc = failed: rpc error: code = NotFound desc = gone"\n',
    ),
  ).toEqual({ code: 'Unknown', message: 'failed: rpc error: code = NotFound desc = gone' });
});

test('warnings and empty output are not errors', () => {
  expect(unwrapCrictlError('')).toBeUndefined();
  expect(
    unwrapCrictlError(
      'time="2026-11-21T13:21:36Z" level=warning msg="Config \\"/etc/crictl.yaml\\" does not exist"\n',
    ),
  ).toBeUndefined();
});

import { expect, test } from 'vitest';

import { lackedBy, missingKinds, type Ask } from '../../lab/nodes/kernel-kinds.ts';
import { result } from '../rig/recorded-run.ts';

/** A kernel without these, as iproute2 6.1 tells of it. */
const kernelWithout =
  (...without: readonly string[]): Ask =>
  async (argv, { stdin }) => {
    const refused = stdin.split('\n').flatMap((line, index) => {
      if (line.includes('macvlan'))
        return [`RTNETLINK answers: Invalid argument\nCommand failed -:${index + 1}\n`];
      if (!without.some((kind) => line.split(' ').includes(kind))) return [];
      const said = argv.includes('tc') ? 'Specified qdisc kind is unknown.' : 'Unknown device type.';
      return [`Error: ${said}\nCommand failed -:${index + 1}\n`];
    });
    return result(argv, { exitCode: refused.length === 0 ? 0 : 1, stderr: refused.join('') });
  };

test('what a kernel refuses for its kind is missing, what it refuses for another reason is there', async () => {
  expect(await missingKinds(kernelWithout('ipvlan', 'dummy', 'tbf'))).toEqual({
    asked: true,
    missing: ['ipvlan', 'dummy', 'tbf'],
  });
  expect(await missingKinds(kernelWithout())).toEqual({ asked: true, missing: [] });
});

test('the words of older kernels', async () => {
  const said = 'RTNETLINK answers: Operation not supported\nCommand failed -:1\n';
  const ask: Ask = async (argv) => result(argv, { exitCode: 1, stderr: said });
  expect(await missingKinds(ask, ['vrf'])).toEqual({ asked: true, missing: ['vrf'] });
});

test('where there is nothing to ask with, nothing is known', async () => {
  const ask: Ask = async (argv) =>
    result(argv, { exitCode: 1, stderr: 'unshare: unshare failed: Operation not permitted\n' });
  expect(await missingKinds(ask)).toEqual({ asked: false, missing: [] });
});

const RUNP = ['crictl', 'runp', '/lab/pods/web.json'];
const failed = (stderr: string, argv: readonly string[] = RUNP) => result(argv, { exitCode: 1, stderr });

test.each([
  [
    'a plugin',
    failed('plugin type="ipvlan" failed (add): failed to create ipvlan: operation not supported'),
    'ipvlan',
  ],
  ['a queue', failed('plugin type="bandwidth" failed (add): create qdisc: no such file or directory'), 'tbf'],
  [
    'a command',
    failed('Error: Unknown device type.\n', ['ip', 'link', 'add', 'd', 'type', 'dummy']),
    'dummy',
  ],
  [
    'an extension of iptables',
    failed(
      'running [/usr/sbin/iptables …]: exit status 2\nWarning: Extension MASQUERADE revision 0 not supported, missing kernel module?',
    ),
    'what this is about: Warning: Extension MASQUERADE revision 0 not supported, missing kernel module?',
  ],
])('%s failed for what the kernel lacks', async (_, command, lacks) => {
  expect(await lackedBy(command, kernelWithout('ipvlan', 'dummy', 'tbf'))).toBe(lacks);
});

test.each([
  ['it succeeded', result(RUNP, { stdout: 'ipvlan: operation not supported' })],
  [
    'it failed for another reason',
    failed('plugin type="ipvlan" failed (add): failed to lookup master "ens20": Link not found'),
  ],
  [
    'the kernel has it',
    failed('plugin type="macvlan" failed (add): failed to create macvlan: operation not supported'),
  ],
  ['it is about something else', failed('crictl: the runtime does not know this: not supported')],
])('nothing is lacked where %s', async (_, command) => {
  expect(await lackedBy(command, kernelWithout('ipvlan'))).toBeUndefined();
});

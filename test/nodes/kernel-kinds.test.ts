import { expect, test } from 'vitest';

import { LabError } from '../../lab/core/lab-error.ts';
import { lackedBy, askForKinds, type Ask } from '../../lab/nodes/kernel-kinds.ts';
import { result } from '../rig/recorded-run.ts';

/** A kernel without these, with the output of iproute2 6.1 and nft 1.0. */
const kernelWithout =
  (...without: readonly string[]): Ask =>
  async (argv) => {
    const refuse = (stderr: string) => result(argv, { exitCode: 2, stderr });
    if (argv.includes('macvlan')) return refuse('RTNETLINK answers: Invalid argument\n');
    if (argv.includes('nft') && without.includes('nftables'))
      return refuse('/dev/stdin:3:1-34: Error: Could not process rule: No such file or directory\n');
    if (argv.includes('tuntap') && without.includes('tun')) return refuse('open: No such device\n');
    if (!without.some((kind) => argv.includes(kind))) return result(argv);
    const what = argv.includes('tc') ? 'Specified qdisc kind is unknown.' : 'Unknown device type.';
    return refuse(`Error: ${what}\n`);
  };

test('a kind that the kernel does not know is missing, and a kind that it refuses for another reason is not', async () => {
  expect(await askForKinds(kernelWithout('ipvlan', 'dummy', 'tbf', 'nftables'))).toEqual({
    missing: ['ipvlan', 'dummy', 'tbf', 'nftables'],
    unknown: [],
  });
  expect(await askForKinds(kernelWithout())).toEqual({ missing: [], unknown: [] });
});

test('messages of older kernels are understood', async () => {
  const ask: Ask = async (argv) =>
    result(argv, { exitCode: 2, stderr: 'RTNETLINK answers: Operation not supported\n' });
  expect(await askForKinds(ask, ['vrf'])).toEqual({ missing: ['vrf'], unknown: [] });
});

test.each([
  [
    'no right',
    async (argv: readonly string[]) =>
      result(argv, { exitCode: 1, stderr: 'unshare: unshare failed: Operation not permitted\n' }),
  ],
  [
    'no ip',
    async (argv: readonly string[]) =>
      result(argv, { exitCode: 127, stderr: 'unshare: failed to execute ip: No such file or directory\n' }),
  ],
  ['no unshare', async () => Promise.reject(new LabError('could not start unshare'))],
])('where there is %s to ask with, nothing is known', async (_, ask: Ask) => {
  expect(await askForKinds(ask, ['dummy', 'vrf'])).toEqual({ missing: [], unknown: ['dummy', 'vrf'] });
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
    'a device of another name',
    failed('plugin type="tap" failed (add): failed to run command open: No such device\n: exit status 1'),
    'tun',
  ],
  [
    'a rule',
    failed(
      'plugin type="portmap" failed (add): unable to set up nftables rules: /dev/stdin:1:1-9: Error: Could not process rule: No such file or directory',
    ),
    'nftables',
  ],
  [
    'an extension of iptables',
    failed(
      'running [/usr/sbin/iptables …]: exit status 2\nWarning: Extension MASQUERADE revision 0 not supported, missing kernel module?',
    ),
    'what this is about: Warning: Extension MASQUERADE revision 0 not supported, missing kernel module?',
  ],
])('%s failed for what the kernel lacks', async (_, command, lacks) => {
  expect(await lackedBy(command, kernelWithout('ipvlan', 'dummy', 'tbf', 'tun', 'nftables'))).toBe(lacks);
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
  [
    'a plugin that could do it with nftables speaks of a file',
    failed('plugin type="bridge" failed (add): open /etc/resolv.conf: no such file or directory'),
  ],
  ['it is about something else', failed('crictl: the runtime does not know this: not supported')],
])('nothing is lacked where %s', async (_, command) => {
  expect(await lackedBy(command, kernelWithout('ipvlan', 'nftables'))).toBeUndefined();
});

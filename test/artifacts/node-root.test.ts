import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  nodeRootRecipe,
  packagesBeyondNodeRoot,
  type NodeRootOptions,
} from '../../lab/artifacts/own/node-root.ts';
import { err, ok } from '../../lab/core/lab-error.ts';
import { createExec } from '../../lab/host/exec.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cnilab-node-root-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A small version of what Debian's packages unpack to: a root with the old folders beside usr/. */
const FILES = [
  ...['bin/bash', 'bin/ip', 'lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/gconv/UTF-7.so'],
  ...['usr/bin/mawk', 'usr/bin/which.debianutils', 'usr/sbin/xtables-nft-multi', 'usr/share/doc/bash/README'],
  ...['usr/share/base-passwd/passwd.master', 'usr/share/base-passwd/group.master'],
  ...['usr/share/libc-bin/nsswitch.conf', 'etc/services', 'var/run/left'],
];
const LINKS = { 'bin/sh': 'bash', 'usr/sbin/ip': '/bin/ip', 'usr/sbin/iptables-nft': 'xtables-nft-multi' };

function unpackInto(treeHostPath: string): void {
  for (const path of [...FILES, ...Object.keys(LINKS)])
    mkdirSync(join(treeHostPath, dirname(path)), { recursive: true });
  for (const path of FILES) writeFileSync(join(treeHostPath, path), `${path}\n`);
  for (const [path, target] of Object.entries(LINKS)) symlinkSync(target, join(treeHostPath, path));
}

const fakeApt = (asked: string[][]): NodeRootOptions['apt'] => ({
  allFor: async (names, suite) =>
    ok([...names, 'perl-base', 'libc6'].map((name) => ({ suite, name, version: '1' }))),
  unpack: async (packages, { treeHostPath }) => {
    asked.push(packages.map(({ name }) => name));
    unpackInto(treeHostPath);
    return ok(undefined);
  },
});

function make(apt: NodeRootOptions['apt'], name: string) {
  const [treeHostPath, scratchHostPath] = [join(folder, name), join(folder, `${name}.scratch`)];
  for (const path of [treeHostPath, scratchHostPath]) mkdirSync(path);
  const options = { arch: 'amd64', apt, exec: createExec({ env: process.env }) } as const;
  return nodeRootRecipe('node-root', options).make(treeHostPath, {
    signal: new AbortController().signal,
    scratchHostPath,
    progress: () => undefined,
  });
}

test('a root has one usr/, its alternatives and accounts, and no documentation; the same packages give the same bytes', async () => {
  const asked: string[][] = [];
  const made = await make(fakeApt(asked), 'a');
  expect(made).toEqual({
    ok: true,
    value: { madeBy: `apt-get download of ${asked[0]?.length} packages (bookworm), see packages.txt` },
  });
  expect(asked[0]).toContain('libc6');
  expect(asked[0]).not.toContain('perl-base');
  const listed = execFileSync('tar', ['--list', '--verbose', '--file', join(folder, 'a/root.tar')], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  const entries = listed
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('d'))
    .map((line) => line.replace(/^.{10} 0\/0 +\d+ 1970-01-01 00:00 /, ''));
  expect(entries.sort()).toEqual(
    [
      'bin -> usr/bin',
      'etc/group',
      'etc/nsswitch.conf',
      'etc/passwd',
      'etc/services',
      'lib -> usr/lib',
      'usr/bin/awk -> mawk',
      'usr/bin/bash',
      'usr/bin/ip',
      'usr/bin/mawk',
      'usr/bin/sh -> bash',
      'usr/bin/which -> which.debianutils',
      'usr/bin/which.debianutils',
      'usr/lib/x86_64-linux-gnu/libc.so.6',
      'usr/sbin/ip -> /bin/ip',
      'usr/sbin/ip6tables -> ip6tables-nft',
      'usr/sbin/ip6tables-restore -> ip6tables-nft-restore',
      'usr/sbin/ip6tables-save -> ip6tables-nft-save',
      'usr/sbin/iptables -> iptables-nft',
      'usr/sbin/iptables-nft -> xtables-nft-multi',
      'usr/sbin/iptables-restore -> iptables-nft-restore',
      'usr/sbin/iptables-save -> iptables-nft-save',
      'usr/sbin/xtables-nft-multi',
      'usr/share/base-passwd/group.master',
      'usr/share/base-passwd/passwd.master',
      'usr/share/libc-bin/nsswitch.conf',
      'var/lock -> /run/lock',
      'var/run -> /run',
    ].sort(),
  );
  await make(fakeApt(asked), 'b');
  expect(readFileSync(join(folder, 'b/root.tar')).equals(readFileSync(join(folder, 'a/root.tar')))).toBe(
    true,
  );
});

test('if the host’s apt does not have the release, the message has a solution', async () => {
  const why = "this machine's apt sources (ubuntu noble) have no archive with bookworm";
  const apt = {
    ...fakeApt([]),
    allFor: async () => err({ source: 'debian', reason: 'not-here', why } as const),
  };
  expect(await make(apt, 'a')).toEqual({
    ok: false,
    error: {
      source: 'own',
      reason: 'not-here',
      why,
      wayOut: 'run the lab on a Debian host, whose apt can have packages of bookworm',
    },
  });
});

test('dependencies of other packages are requested in addition to a root’s, and nothing of the root is repeated', async () => {
  const more = await packagesBeyondNodeRoot(['sudo'], {
    apt: fakeApt([]),
    signal: new AbortController().signal,
  });
  expect(more).toEqual({ ok: true, value: [{ suite: 'bookworm', name: 'sudo', version: '1' }] });
});

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseJournal } from '../../lab/observe/journal.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

/** A conflist whose name is not UTF-8: JSON that plugins accept, with bytes that no string of the lab can hold. */
const LATIN1 = Buffer.from('{ "cniVersion": "1.0.0", "name": "caf\xe9", "plugins": [] }\n', 'latin1');

test('bytes reach the node unchanged, and a command in a container has its own exit code and its own output', async () => {
  mkdirSync(join(folder, 'words'));
  writeFileSync(join(folder, 'words/latin1.conflist'), LATIN1);
  writeFileSync(
    join(folder, 'words/words.yaml'),
    `name: words
summary: What is written in the file is what is on the node
matrix: { somax: ['500'], mtu: [1400] }
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      big: 9007199254740993
      plugins:
        - type: ptp
          mtu: \${matrix.mtu}
          ipam: { type: host-local, subnet: 10.88.0.0/16 }
        - { type: tuning, sysctl: { net.core.somaxconn: '\${matrix.somax}' } }
    99-latin1.conflist: { from: ./latin1.conflist }
steps:
  - exec: [base64, -w0, /etc/cni/net.d/99-latin1.conflist]
    expect: { output: ${LATIN1.toString('base64')} }
  - exec: [grep, big, /etc/cni/net.d/10-net.conflist]
    expect: { output: '  "big": 9007199254740993,' }
  - exec: [printf, 'a\\377\\376']
    expect: { output: "a\\uDCFF\\uDCFE" }
  - exec: [printf, '\\377']
    expect: { output: "\\uDCFF" }
  - exec: [printf, 'hello\\n']
    expect: { output: "hello\\n" }
  - exec: [sh, -c, 'printf x > "$(printf "/tmp/\\376")"']
    expect: { left-behind: { file: ["/tmp/\\uDCFE"] } }
  - exec: [sh, -c, 'rm /tmp/*']
  - run-pod: web
  - exec: [nsenter, '--net=\${web.netns}', cat, /proc/sys/net/core/somaxconn]
    expect: { output: '500' }
  - create-container: { container: app, pod: web, command: [sleep, '1000'] }
  - start-container: app
  - exec-container: { container: app, command: [printf, 'a\\n\\nb'] }
    expect: { output: "a\\n\\nb" }
  - exec-container: { container: app, command: [sh, -c, 'echo out; echo err >&2; exit 3'] }
    expect: { exit-code: 3, output: out, error: err }
  - exec-container: { container: app, command: [no-such-program] }
    expect: { exit-code: 125, error: { contains: 'executable file not found', why: "runc's words" } }
  - remove-plugins: [ptp]
  - remove-plugins: [ptp]
    expect: { ok: false }
  - remove-files: [/etc/cni/net.d/99-latin1.conflist]
  - remove-cni-config: 99-latin1.conflist
    expect: { ok: false }
  - install-plugins: 1.1.1
  - stop-pod: web
  - exec-container: { container: app, command: ['true'] }
    expect: { error: 'failed to exec in container: container is in CONTAINER_EXITED state' }
  - remove-pod: web
  - run-pod: d
  - run-pod: a
  - run-pod: c
  - run-pod: b
  - stop-listed-pods:
`,
  );
  const { exitCode, stdout, stderr } = await cnilab(['run', 'words/words.yaml', '--output', 'runs'], {
    cwd: folder,
  });
  expect([exitCode, exitCode === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  const run = join(folder, 'runs/latest/words.somax-500.mtu-1400');
  const recorded = readFileSync(join(run, 'config/net.d/99-latin1.conflist'));
  expect(recorded.equals(LATIN1)).toBe(true);

  const journal = parseJournal(readFileSync(join(run, 'journal.jsonl'), 'utf8'));
  const entries = journal.ok ? journal.value : [];
  const ids = ['d', 'a', 'c', 'b'].map(
    (pod) =>
      entries.flatMap((entry) =>
        entry.kind === 'capture' && entry.name === `${pod}.id` ? [entry.value] : [],
      )[0],
  );
  const stopped = entries.flatMap((entry) =>
    entry.kind === 'command' && entry.stepId.endsWith('stop-listed-pods') ? [entry.id] : [],
  );
  expect(stopped).toEqual(ids);
});

test('a node of `up --scenario` is the same as the scenario’s, with the changes of the command line', async () => {
  const name = `lab-by-hand-${process.pid}`;
  writeFileSync(
    join(folder, 'by-hand.yaml'),
    `name: by-hand-too
summary: s
matrix: { containerd: [1.6.3, 1.6.4], word: ['', other] }
node:
  containerd: \${matrix.containerd}
  cni-plugins: 1.1.1
  runtime-config: { debug: { level: info } }
  cni-config: { 10-net.conflist: { name: net } }
  files: { /etc/word: 'word "\${matrix.word}"', /etc/other: x }
steps: [{ run-pod: web }]
`,
  );
  writeFileSync(join(folder, '20-latin1.conflist'), LATIN1);
  writeFileSync(join(folder, 'tables.toml'), '[debug]\nlevel = "debug"\n');
  writeFileSync(join(folder, 'script'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
  const up = (...args: string[]) =>
    cnilab(['up', '--name', name, '--scenario', 'by-hand.yaml', ...args], { cwd: folder });

  const several = await up('--set', 'containerd=1.6.4');
  expect([several.exitCode, several.stderr]).toEqual([
    2,
    "cnilab: one node is of one cell; by-hand-too has 2: choose with --set containerd=1.6.4 --set word=''\n",
  ]);
  const cell = ['--set', 'containerd=1.6.4', '--set', 'word='];
  const over = [
    '--cni-config',
    '20-latin1.conflist',
    '--runtime-config',
    'tables.toml',
    '--file',
    '/opt/other=script',
  ];
  const started = await up(...cell, ...over);
  try {
    expect(started.stdout).toContain(
      'command line:1:1 note: 20-latin1.conflist is not UTF-8, which JSON has to be\nlab-',
    );
    expect([started.exitCode, started.stdout]).toEqual([
      0,
      expect.stringContaining(`${name} is up, with containerd v1.6.4\n`),
    ]);
    const looked = await cnilab([
      'enter',
      name,
      'sh',
      '-c',
      'cat /etc/word; echo; ls /etc/cni/net.d; base64 -w0 /etc/cni/net.d/20-latin1.conflist; echo; /opt/other; grep level /etc/containerd/config.toml',
    ]);
    expect(looked.stdout).toBe(
      `word ""\n10-net.conflist\n20-latin1.conflist\n${LATIN1.toString('base64')}\nran\nlevel = "debug"\n`,
    );
  } finally {
    await cnilab(['down', name]);
  }
});

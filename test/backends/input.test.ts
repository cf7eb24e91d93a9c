import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { UNPRIVILEGED } from '../rig/unprivileged.ts';

const folder = scratchFolder();
const recorded = join(folder, 'recorded');

/** Input that is rejected: exit code 2, one message, and nothing was run. */
async function refused(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await cnilab([...args, '--output', recorded], { cwd: folder });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(existsSync(join(recorded, 'latest'))).toBe(false);
  return stderr;
}

const ONE = `name: one
sumary: a key with a slip
node: { containerd: 1.6.3, cni-plugins: 1.1.1 }
steps:
  - eat-pod: web
  - run-pod: web
    expect: { ok: maybe }
`;
const TWO = `name: two
summary: a version that is in no branch
matrix:
  containerd: [1.6.0, 1.6.3, 1.6.4]
node: { containerd: '\${matrix.containerd}', cni-plugins: 1.1.1 }
steps:
  - run-pod: web
    expect:
      - when: { containerd: '<1.6.3' }
        ok: true
      - when: { containerd: '>1.6.3' }
        ok: true
`;

test('a scenario that there is not: the nearest ones, and where all are', async () => {
  const all = '`cnilab list` shows all of them\n';
  expect(await refused('run', 'incompatble-version')).toBe(
    `cnilab: no scenario is called "incompatble-version"; did you mean "incompatible-version"? ${all}`,
  );
  expect(await refused('run', 'xyz')).toBe(`cnilab: no scenario is called "xyz"; ${all}`);
  expect(await refused('run')).toBe(
    'cnilab: name a scenario, a file, a folder or a glob, or use --all; `cnilab list` shows what there is\n',
  );
  expect(await refused('run', '--all', 'missing-version')).toBe(
    'cnilab: --all runs every scenario; run it without missing-version\n',
  );
});

test.each(['run', 'parity'])('%s names a title if a pattern leaves no run', async (verb) => {
  expect(await refused(verb, 'missing-version', '--grep', 'nothing')).toBe(
    'cnilab: no run is left by --grep "nothing"; a title is such as "missing-version containerd=1.5.13"\n',
  );
});

test.each([
  [['--continerd', '1'], "unknown option '--continerd'\n(Did you mean --containerd?)"],
  [['--jobs', '0'], "option '-j, --jobs <n>' argument '0' is invalid. a whole number above 0 is wanted"],
  [['--set', 'foo'], '--set wants axis=value; got "foo"'],
  [
    ['--reporter', 'json', '--reporter', 'junit'],
    'standard output takes one reporter; got json and junit: give all but one a file, as in junit=FILE',
  ],
  [
    ['--backend', 'bare', '--kernel', 'bookworm'],
    '--kernel is for virtual machines and changes nothing on bare; add --backend vm',
  ],
  [
    ['--backend', 'bare', '--base', 'debian'],
    '--base is for container nodes and changes nothing on bare; add --backend container or --backend kind',
  ],
  [
    ['--reporter', 'nope'],
    'there is no reporter "nope"; it is terminal, json, junit, html, ctrf, markdown, tap or github, each also as name=file',
  ],
  [
    ['--reporter', 'json=/no/such/x'],
    "the report cannot be written to /no/such/x: ENOENT: no such file or directory, open '/no/such/x'",
  ],
  [['--sources', 'attic'], '"attic" is not a source; there are local, release, gomod, debian'],
  [['--containerd', 'local:/nope'], 'local:/nope is no containerd: it does not exist'],
  [
    ['--set', 'foo=1'],
    'one mistake, and nothing was run\n\ncommand line:1:7 no scenario here has an axis "foo"; known: containerd, crio\n    --set foo\n          ~~~',
  ],
])('a command line that is wrong: %j', async (flags, message) => {
  expect(await refused('run', 'incompatible-version', ...flags)).toBe(`cnilab: ${message}\n`);
});

test('an output folder that cannot be written is reported before anything runs', async () => {
  const { exitCode, stdout, stderr } = await cnilab([
    'run',
    'incompatible-version',
    '--output',
    '/proc/nope',
  ]);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      "cnilab: runs cannot be recorded in /proc/nope: ENOENT: no such file or directory, mkdir '/proc/nope'\n",
  });
});

test('all mistakes of all files are reported at once, each with its position', async () => {
  mkdirSync(join(folder, 'bad'));
  writeFileSync(join(folder, 'bad/one.yaml'), ONE);
  writeFileSync(
    join(folder, 'bad/three.yaml'),
    ONE.replace('name: one', 'name: three').replace('eat-pod', 'run-pods'),
  );
  const message = await refused('run', 'bad');
  expect(
    message
      .replaceAll(/(exactly one of ).*(; got)/g, '$1…$2')
      .split('\n')
      .filter((line) => /^\S/.test(line)),
  ).toEqual([
    'cnilab: 8 mistakes, and nothing was run',
    ...['one', 'three'].flatMap((name) => [
      `bad/${name}.yaml:1:1 "summary" is missing`,
      `bad/${name}.yaml:2:1 unknown key "sumary"; did you mean "summary"? allowed here: name, summary, steps, include, finding, references, control, matrix, pods, node, nodes, cluster, expect`,
      `bad/${name}.yaml:5:5 a step ${name === 'one' ? 'has exactly one of …; got "eat-pod"' : 'cannot have "run-pods"; did you mean "run-pod"?'}`,
      `bad/${name}.yaml:7:19 wanted true or false; got "maybe"`,
    ]),
  ]);
});

test('a cell that no branch covers is a mistake', async () => {
  writeFileSync(join(folder, 'two.yaml'), TWO);
  expect(await refused('run', 'two.yaml')).toBe(`cnilab: one mistake, and nothing was run

two.yaml:9:9 no branch covers containerd=1.6.3; there are containerd "<1.6.3", containerd ">1.6.3"
          - when: { containerd: '<1.6.3' }
            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
`);
});

test('a version that no source has: the message says what was tried, why each source failed, and the nearest versions', async () => {
  const { exitCode, stderr } = await cnilab([
    'run',
    'incompatible-version',
    '--containerd',
    '1.6.99',
    '--output',
    recorded,
  ]);
  expect(exitCode).toBe(2);
  const lines = stderr.trim().split('\n');
  expect(lines[0]).toBe('cnilab: there is no containerd 1.6.99');
  expect(lines).toContain('  release  pins.yaml has no checksum of containerd 1.6.99');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}gomod {4}\S/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}debian {3}\S/));
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {2}the nearest versions that exist: 1\.6\.39, 1\.6\.38, /),
  );
});

const BARE_REFUSED = `bare nodes are not available here: making namespaces and mounts needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)
  - run the same command with sudo: sudo -E env "PATH=$PATH" …
  - in a container: start it with --privileged
  - without root: take --backend vm
`;

const ENGINE_REFUSED = `nodes are not available here: there is no unix:///nowhere/engine.sock (DOCKER_HOST): its engine is not running
  - correct DOCKER_HOST, or take it away
  - start Docker: sudo systemctl start docker, or Docker Desktop
  - start Podman: sudo systemctl start podman.socket, and export DOCKER_HOST=unix:///run/podman/podman.sock
`;

test.for([
  ['bare', `cnilab: ${BARE_REFUSED}`],
  [
    'auto',
    `cnilab: ${BARE_REFUSED}container and kind ${ENGINE_REFUSED}vm nodes are not available here: CNILAB_QEMU names /nowhere/qemu, which is not there
  - install QEMU: apt install qemu-system-x86, dnf install qemu-system-x86-core
  - or name one: CNILAB_QEMU=/path/to/qemu
`,
  ],
] as const)(
  'without root there is one message, with the alternatives: --backend %s',
  async ([backend, message]) => {
    const home = join(folder, 'home');
    const args = ['run', 'incompatible-version', '--backend', backend, '--output', '/tmp'];
    const nowhere = { DOCKER_HOST: 'unix:///nowhere/engine.sock', CNILAB_QEMU: '/nowhere/qemu' };
    const { exitCode, stdout, stderr } = await cnilab(args, {
      env: { HOME: home, XDG_CACHE_HOME: '', ...nowhere },
      as: UNPRIVILEGED,
    });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 69, stdout: '', stderr: message });
  },
);

test('a missing file, a name in two files, and bytes that are not UTF-8 are rejected', async () => {
  const sound = (name: string) =>
    `name: ${name}\nsummary: s\nnode: { containerd: 1.6.4, cni-plugins: none }\nsteps: [{ exec: ['true'] }]\n`;
  expect(await refused('run', 'missing-versio.yaml')).toBe(
    `cnilab: there is no file or folder ${folder}/missing-versio.yaml, and no scenario of that name; did you mean "missing-version"? \`cnilab list\` shows all of them\n`,
  );
  mkdirSync(join(folder, 'twins'));
  writeFileSync(join(folder, 'twins/a.yaml'), sound('twin'));
  writeFileSync(join(folder, 'twins/b.yaml'), sound('twin'));
  expect(await refused('run', 'twins')).toContain(
    'twins/b.yaml:1:1 the scenario in twins/a.yaml is called "twin" too; take another name\n',
  );
  writeFileSync(join(folder, 'latin1.yaml'), Buffer.from(sound('caf\xe9'), 'latin1'));
  expect(await refused('run', 'latin1.yaml')).toContain('latin1.yaml:1:10 this is not UTF-8');
  expect(await refused('run', 'twins/a.yaml', '--timeout', '99999999999999')).toContain('wanted at most 24h');

  const listed = await cnilab(['list', 'twins', 'latin1.yaml'], { cwd: folder });
  expect(listed.exitCode).toBe(2);
  expect(listed.stdout).toBe('twin  s\ntwin  s\n');
  expect(listed.stderr).toMatch(/^cnilab: 2 mistakes\n/);
  const { exitCode, stdout } = await cnilab(['plan', 'controls']);
  expect([exitCode, stdout.includes('must come out as fail')]).toEqual([0, true]);
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildModule } from '../../lab/artifacts/go/build.ts';
import { programsBesides } from '../../lab/artifacts/go/programs-besides.ts';
import { ok } from '../../lab/core/lab-error.ts';
import { createGoTool, type GoTool } from '../../lab/artifacts/go/tool.ts';
import type { CommandResult } from '../../lab/core/ports.ts';
import type { GomodPins } from '../../lab/plan/pins.ts';

const facts: GomodPins = {
  module: 'example.org/m',
  packages: ['cmd/a', '.'],
  tags: ['no_btrfs', 'other'],
  cgo: false,
  set: { 'example.org/m/version.Version': 'v{version}', 'main.commit': '{sum}' },
  pinned: [],
};
const signal = new AbortController().signal;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnilab-go-build-'));
  mkdirSync(join(folder, 'tree'));
  mkdirSync(join(folder, 'scratch'));
  writeFileSync(join(folder, 'go.mod'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const answer = (stdout: string, exitCode = 0): CommandResult => ({
  argv: [],
  exitCode,
  signal: null,
  stdout,
  stderr: exitCode === 0 ? '' : 'x.go:1:1: no such thing',
  durationMs: 1,
  timedOut: false,
});

/** A `go` that answers like the real one and adds `needs` to go.sum. */
function fakeGo(calls: string[], { needs, buildExit = 0 }: { needs: string; buildExit?: number }): GoTool {
  return {
    found: true,
    offline: false,
    async run(argv, { cwd = '' }) {
      calls.push(argv.join(' ').replaceAll(folder, ''));
      if (argv[1] === 'download') {
        return answer(JSON.stringify({ GoMod: join(folder, 'go.mod'), Dir: folder, Sum: 'h1:abc=' }));
      }
      if (argv[1] === 'edit') return answer('{"Go":"1.16"}');
      if (argv[0] === 'build' && buildExit === 0) {
        await appendFile(join(cwd, 'go.sum'), needs);
        await writeFile(join(folder, 'wrapper-go.mod'), readFileSync(join(cwd, 'go.mod')));
      }
      return argv[0] === 'build' ? answer('', buildExit) : answer('go1.26.8\n');
    },
  };
}

const build = (go: GoTool, heldSums?: string) =>
  buildModule(
    { go, facts, version: '1.2.3', ...(heldSums === undefined ? {} : { heldSums }) },
    join(folder, 'tree'),
    {
      signal,
      scratchHostPath: join(folder, 'scratch'),
      progress: () => undefined,
    },
  );

const BUILD =
  'build -o /tree/bin/ -tags no_btrfs,other -trimpath -buildvcs=false -gcflags=all=-dwarf=false -ldflags -s -w -buildid= -X example.org/m/version.Version=v1.2.3 -X main.commit=h1:abc= example.org/m/cmd/a example.org/m';

test('all programs are built at once, in a module that requires only the component', async () => {
  const calls: string[] = [];
  expect(await build(fakeGo(calls, { needs: 'a v1 h1:x=\n' }))).toEqual({
    ok: true,
    value: {
      sums: 'a v1 h1:x=\n',
      madeBy: `go1.26.8: CGO_ENABLED=0 go ${BUILD.replace(' -o /tree/bin/', '')}`,
    },
  });
  expect(calls).toEqual([
    'mod download -json example.org/m@v1.2.3',
    'mod edit -json /go.mod',
    BUILD,
    'env GOVERSION',
  ]);
  expect(readFileSync(join(folder, 'wrapper-go.mod'), 'utf8')).toBe(
    'module cnilab/wrapper\n\ngo 1.18\n\nrequire example.org/m v1.2.3\n\n',
  );
});

test('modules from separate folders, a program with another name, and a long build are supported', async () => {
  const go = fakeGo([], { needs: '' });
  const kubernetes: GomodPins = {
    ...facts,
    packages: ['.'],
    folders: 'v0.{minor}.{patch}',
    named: { m: 'etcd' },
    set: { 'v.gitVersion': 'v{version}', 'v.gitMajor': '{major}', 'v.gitMinor': '{minor}' },
    takes: 'about 4 minutes',
  };
  const lines: string[] = [];
  const folders = { Go: '1.16', Replace: [{ Old: { Path: 'k8s.io/api' }, New: { Path: './staging/api' } }] };
  const built = await buildModule(
    {
      go: {
        ...go,
        async run(argv, options) {
          if (argv[0] === 'build') writeFileSync(join(folder, 'tree/bin/m'), 'program');
          return argv[1] === 'edit' ? answer(JSON.stringify(folders)) : go.run(argv, options);
        },
      },
      facts: kubernetes,
      version: '1.24.17',
    },
    join(folder, 'tree'),
    { signal, scratchHostPath: join(folder, 'scratch'), progress: (step) => lines.push(step) },
  );
  expect(built).toMatchObject({
    ok: true,
    value: {
      madeBy: expect.stringContaining(
        '-X v.gitVersion=v1.24.17 -X v.gitMajor=1 -X v.gitMinor=24 example.org/m',
      ) as string,
    },
  });
  expect(readFileSync(join(folder, 'wrapper-go.mod'), 'utf8')).toContain(
    '\nreplace k8s.io/api => k8s.io/api v0.24.17\n',
  );
  expect(readFileSync(join(folder, 'tree/bin/etcd'), 'utf8')).toBe('program');
  expect(lines).toEqual(['downloading the source', 'building, which takes about 4 minutes']);
});

test('a pinned build that needs a module missing from go.sum is broken', async () => {
  expect(await build(fakeGo([], { needs: 'b v1 h1:y=\n' }), 'a v1 h1:x=\n')).toEqual({
    ok: false,
    error: {
      source: 'gomod',
      reason: 'broken',
      why: 'example.org/m@v1.2.3 needs modules that our go.sum does not hold: b v1 h1:y=',
    },
  });
});

test('a failed build has the compiler’s message', async () => {
  expect(await build(fakeGo([], { needs: '', buildExit: 1 }))).toEqual({
    ok: false,
    error: {
      source: 'gomod',
      reason: 'broken',
      why: 'go build of example.org/m@v1.2.3: x.go:1:1: no such thing',
    },
  });
});

test('the user’s module settings apply, and nothing is written outside the cache', async () => {
  const environments: Readonly<Record<string, string>>[] = [];
  const go = createGoTool({
    exec: async (argv, options) => {
      environments.push(options?.env ?? {});
      return { ...answer(''), argv };
    },
    env: { HOME: '/home/user', PATH: '' },
    cacheHostPath: join(folder, 'cache'),
    arch: 'arm64',
    offline: false,
  });
  await go.run(['env'], { signal, scratchHostPath: '/scratch' });
  const inCache = (name: string) => join(folder, 'cache/go', name);
  expect(environments).toEqual([
    {
      GOENV: '/home/user/.config/go/env',
      XDG_CONFIG_HOME: inCache('config'),
      GOPATH: inCache('path'),
      GOMODCACHE: inCache('mod'),
      GOCACHE: inCache('build'),
      GOTMPDIR: '/scratch',
      TMPDIR: '/scratch',
      GOFLAGS: '-mod=mod -modcacherw',
      GOWORK: 'off',
      GO111MODULE: 'on',
      GOOS: 'linux',
      GOARCH: 'arm64',
      GOAMD64: 'v1',
      GOGC: '400',
      CGO_ENABLED: '0',
      CGO_CFLAGS: '-O2 -g',
      CGO_LDFLAGS: '-O2 -g',
      GIT_TERMINAL_PROMPT: '0',
    },
  ]);
});

test('a module that is not available is replaced by a local folder, and programs in C and from Debian are added', async () => {
  const standIn = join(folder, 'stand-ins/gone');
  const source = join(folder, 'tools/src');
  mkdirSync(standIn, { recursive: true });
  mkdirSync(source, { recursive: true });
  for (const name of ['b.c', 'a.c', 'a.h']) writeFileSync(join(source, name), '');
  writeFileSync(join(standIn, 'go.mod'), 'module example.org/gone\n');
  const compiled: string[] = [];
  const withAll: GomodPins = {
    ...facts,
    c: { tool: 'tools/src' },
    debian: { monitor: 'usr/bin/monitor' },
    standIns: { 'example.org/gone v0.1.0': 'gone' },
  };
  const built = await buildModule(
    {
      go: fakeGo([], { needs: '' }),
      facts: withAll,
      version: '1.2.3',
      heldSums: 'a v1 h1:x=\n',
      standInsHostPath: join(folder, 'stand-ins'),
      besides: (places) =>
        programsBesides(
          {
            facts: withAll,
            compiler: 'cc',
            exec: async (argv) => {
              compiled.push(argv.join(' ').replaceAll(folder, ''));
              return answer('');
            },
            apt: {
              hostRelease: async () => ({ id: 'debian', codename: 'bookworm' }),
              versionsIn: async (suite, name) => ok([{ suite, name, version: '2.1.6-1' }]),
              unpack: async (_, { treeHostPath }) => {
                mkdirSync(join(treeHostPath, 'usr/bin'), { recursive: true });
                writeFileSync(join(treeHostPath, 'usr/bin/monitor'), 'a monitor');
                return ok(undefined);
              },
            },
          },
          places,
        ),
    },
    join(folder, 'tree'),
    { signal, scratchHostPath: join(folder, 'scratch'), progress: () => undefined },
  );
  expect(built.ok && built.value.madeBy.split(', with ').slice(1)).toEqual([
    'tool by cc',
    'monitor 2.1.6-1 (bookworm)',
  ]);
  expect(compiled).toEqual(['cc -std=c99 -O2 -static -s -o /tree/bin/tool a.c b.c']);
  expect(readFileSync(join(folder, 'tree/bin/monitor'), 'utf8')).toBe('a monitor');
  expect(readFileSync(join(folder, 'wrapper-go.mod'), 'utf8')).toBe(
    'module cnilab/wrapper\n\ngo 1.18\n\nrequire example.org/m v1.2.3\n\nreplace example.org/gone v0.1.0 => ./gone\n',
  );
  expect(readFileSync(join(folder, 'scratch/wrapper/gone/go.mod'), 'utf8')).toBe('module example.org/gone\n');
});

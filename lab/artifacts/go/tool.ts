import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { CommandResult, Exec } from '../../core/ports.ts';
import { findProgram } from '../../host/exec.ts';
import type { Arch } from '../../core/components.ts';
import { diskFull, outputSaysDiskFull } from '../cache/cache.ts';
import type { Refusal } from '../artifact.ts';

export interface GoToolOptions {
  /** one that kills compilers when the lab ends */
  readonly exec: Exec;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheHostPath: string;
  readonly arch: Arch;
  readonly offline: boolean;
}

export interface GoRun {
  readonly signal: AbortSignal;
  /** default: an empty directory, outside any module */
  readonly cwd?: string;
  readonly cgo?: boolean;
  /** where a C library is that is not the one of the system */
  readonly library?: Readonly<Record<string, string>>;
  /** the packages in src/ of this folder, without modules */
  readonly gopath?: string;
  /** for intermediate files of the compiler; the caller removes it */
  readonly scratchHostPath?: string;
}

/**
 * The flags of each compilation: the same source gives the same bytes everywhere. Nothing is generated for debuggers,
 * as official releases of containerd and runc do not have it.
 */
export const COMPILER_FLAGS = ['-trimpath', '-buildvcs=false', '-gcflags=all=-dwarf=false'] as const;

/** The flags of each build. */
export const buildFlags = (...linkerFlags: readonly string[]): readonly string[] => [
  ...COMPILER_FLAGS,
  ...['-ldflags', ['-s', '-w', '-buildid=', ...linkerFlags].join(' ')],
];

/** The `go` of this machine. Everything that it writes stays inside the cache of the lab. */
export interface GoTool {
  /** whether there is one in the PATH */
  readonly found: boolean;
  readonly offline: boolean;
  run(argv: readonly string[], options: GoRun): Promise<CommandResult>;
}

export function createGoTool({ exec, env, cacheHostPath, arch, offline }: GoToolOptions): GoTool {
  const inCache = (name: string) => join(cacheHostPath, 'go', name);

  /**
   * The settings of the user for modules (proxy, private modules, checksum database) are kept. Settings that would
   * change the result are not.
   */
  function environment({
    cgo,
    library,
    gopath,
    scratchHostPath = inCache('tmp'),
  }: GoRun): Record<string, string> {
    const userConfig = env.XDG_CONFIG_HOME ?? join(env.HOME ?? '/nonexistent', '.config');
    return {
      GOENV: env.GOENV ?? join(userConfig, 'go', 'env'),
      XDG_CONFIG_HOME: inCache('config'), // telemetry is written there
      GOPATH: inCache('path'),
      GOMODCACHE: inCache('mod'),
      GOCACHE: inCache('build'),
      GOTMPDIR: scratchHostPath,
      TMPDIR: scratchHostPath,
      // Must not be empty, or the value in GOENV would apply. With -modcacherw the cache can be deleted.
      GOFLAGS: '-mod=mod -modcacherw',
      GOWORK: 'off',
      GO111MODULE: 'on',
      GOOS: 'linux',
      GOARCH: arch,
      GOAMD64: 'v1',
      // Compilers collect garbage less often. With this and the flags above a build takes a quarter less time, and no
      // more memory, because linkers need the most.
      GOGC: env.GOGC ?? '400',
      CGO_ENABLED: cgo === true ? '1' : '0',
      CGO_CFLAGS: '-O2 -g',
      CGO_LDFLAGS: '-O2 -g',
      ...(gopath === undefined ? {} : { GOPATH: gopath, GO111MODULE: 'off', GOFLAGS: '-buildvcs=false' }),
      ...library,
      GIT_TERMINAL_PROMPT: '0',
      ...(offline ? { GOPROXY: 'off', GOSUMDB: 'off' } : {}),
    };
  }

  return {
    found: findProgram('go', env.PATH) !== undefined,
    offline,
    async run(argv, options) {
      const { cwd = inCache('tmp'), signal } = options;
      await mkdir(inCache('tmp'), { recursive: true });
      const result = await exec(['go', ...argv], { cwd, signal, env: environment(options) });
      if (result.exitCode !== 0 && outputSaysDiskFull(result.stdout + result.stderr))
        throw diskFull(cacheHostPath);
      return result;
    },
  };
}

/** Turns an error of `go` into a refusal. `asked` is module@version or a build. */
export function refusalFromGo(asked: string, output: string): Refusal {
  const source = 'gomod' as const;
  const newer = /requires go >= ([\d.]+(?:rc\d+)?) \(running go ([\d.]+)/.exec(output);
  if (newer !== null) {
    return {
      source,
      reason: 'not-here',
      why: `${asked} needs Go ${newer[1]} or later, this machine has ${newer[2]}`,
      wayOut: `install Go ${newer[1]} or later`,
    };
  }
  const lines = output.split('\n').map((line) => line.trim());
  const last = lines.filter((line) => line !== '' && !/^(go: (downloading|finding|added) |# )/.test(line));
  const lastLines = last.slice(-3).join('; ') || 'go printed nothing';
  const why = lastLines.startsWith(asked) ? lastLines : `${asked}: ${lastLines}`;
  if (
    /lookup disabled by GOPROXY=off|GOPROXY list is not the empty string, but contains no entries/.test(
      output,
    )
  ) {
    return {
      source,
      reason: 'unreachable',
      why: `${asked} is not in the lab's module cache, and --offline forbids to fetch it`,
    };
  }
  if (/checksum mismatch|SECURITY ERROR/.test(output)) return { source, reason: 'broken', why };
  if (/unknown revision|invalid version|404 Not Found|410 Gone|version is not available/.test(output)) {
    return { source, reason: 'not-there', why };
  }
  if (
    /dial tcp|i\/o timeout|no such host|connection (refused|reset)|TLS handshake|proxyconnect|EOF$/m.test(
      output,
    )
  ) {
    return { source, reason: 'unreachable', why };
  }
  return { source, reason: 'broken', why };
}

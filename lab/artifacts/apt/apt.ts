import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, err, ok, type Result } from '../../core/lab-error.ts';
import type { Clock, CommandResult, Exec } from '../../core/ports.ts';
import { findProgram } from '../../host/exec.ts';
import type { Http } from '../../host/http.ts';
import type { Arch } from '../../core/components.ts';
import {
  aptConfig,
  DEBIAN_ALIASES,
  hostRelease,
  machineEntries,
  parseDeb822,
  sourcesForSuite,
  urisOf,
} from './sources.ts';
import { diskFull, outputSaysDiskFull } from '../cache/cache.ts';
import { withLock } from '../cache/lock.ts';
import type { Refusal } from '../artifact.ts';

export interface AptOptions {
  readonly exec: Exec;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheHostPath: string;
  readonly http: Pick<Http, 'reach'>;
  readonly clock: Clock;
  readonly offline: boolean;
  /** of the packages; may differ from this machine, because nothing in them is run */
  readonly arch: Arch;
  readonly debianSuites: readonly string[];
  /** suites that have an archive of security fixes */
  readonly securitySuites: readonly string[];
}

export interface DebianPackage {
  readonly suite: string;
  readonly name: string;
  /** a Debian version: 1.6.20~ds1-1+deb12u1 */
  readonly version: string;
}

/** How long the package lists of a suite are used before they are fetched again. */
const LISTS_FRESH_MS = 24 * 3600 * 1000;

/**
 * Uses apt of this machine for any suite of its distribution, with its mirrors, proxies and keys. The state is in a
 * separate directory below the cache, so neither the lists nor the packages of the machine change. apt itself checks
 * everything against the signature of the archive. Works without root.
 */
export type Apt = ReturnType<typeof createApt>;

export function createApt(options: AptOptions) {
  const { exec, env, cacheHostPath, http, clock, offline, arch } = options;
  const ready = new Map<string, Promise<Result<SuiteState, Refusal>>>();

  async function run(
    argv: readonly string[],
    { aptConfigHostPath, signal, cwd }: RunOptions,
  ): Promise<CommandResult> {
    const result = await exec(argv, {
      env: { APT_CONFIG: aptConfigHostPath, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      signal,
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (result.exitCode !== 0 && outputSaysDiskFull(result.stdout + result.stderr))
      throw diskFull(cacheHostPath);
    return result;
  }

  /** The state for one suite, with lists that are at most a day old. Prepared once per run, by one lab at a time. */
  function suiteState(suite: string, signal: AbortSignal): Promise<Result<SuiteState, Refusal>> {
    const known = ready.get(suite);
    if (known !== undefined) return known;
    const preparing = prepareSuite(suite, signal);
    ready.set(suite, preparing);
    return preparing;
  }

  async function prepareSuite(suite: string, signal: AbortSignal): Promise<Result<SuiteState, Refusal>> {
    const refuse = (reason: Refusal['reason'], why: string): { ok: false; error: Refusal } =>
      err({ source: 'debian', reason, why });
    const missing = ['apt-get', 'apt-cache', 'apt-config', 'dpkg-deb'].find(
      (tool) => !findProgram(tool, env.PATH),
    );
    if (missing !== undefined)
      return refuse('not-here', `this host has no ${missing}: it is not Debian or Ubuntu`);

    const entries = await machineEntries(exec, signal);
    const host = await hostRelease();
    const sources = sourcesForSuite(entries, {
      suiteNames: [...options.debianSuites, ...DEBIAN_ALIASES, host.codename],
      wanted: suite,
      arch,
      pockets:
        suite === host.codename
          ? ['', '-security', '-updates']
          : options.securitySuites.includes(suite)
            ? ['', '-security']
            : [''],
    });
    if (sources === undefined || (host.id !== 'debian' && suite !== host.codename)) {
      return refuse(
        'not-here',
        `this machine's apt sources (${host.id} ${host.codename}) have no archive with ${suite}`,
      );
    }
    const inCache = join(cacheHostPath, 'apt', `${suite}-${arch}`);
    for (const name of ['lists/partial', 'archives/partial'])
      await mkdir(join(inCache, name), { recursive: true });
    // apt's configuration has this path. A link to the cache leads to the same one.
    const folder = await realpath(inCache);
    const state: SuiteState = { suite, folder, aptConfigHostPath: join(folder, 'apt.conf') };
    return withLock(
      { lockHostPath: join(folder, 'lock'), env, signal, onWait: () => undefined },
      async (): Promise<Result<SuiteState, Refusal>> => {
        const stamp = await readFile(join(folder, 'updated'), 'utf8').catch(() => '');
        const [updatedMs = '0', ...forSources] = stamp.split('\n');
        const sameSources = forSources.join('\n') === sources;
        const ageMs = clock.date().getTime() - Number(updatedMs);
        const fresh = ageMs >= 0 && ageMs < LISTS_FRESH_MS; // a time in the future was written under another clock
        const dumpAndConfigure = async (): Promise<string> => {
          const { stdout } = await exec(['apt-config', 'dump'], { signal, env: { LC_ALL: 'C' } });
          await writeFile(state.aptConfigHostPath, aptConfig({ folder, arch, machineDump: stdout }));
          return stdout;
        };
        if (sameSources && (offline || fresh)) {
          const config = await readFile(state.aptConfigHostPath, 'utf8').catch(() => '');
          if (!config.includes(`"${folder}"`)) await dumpAndConfigure(); // the cache was moved
          return ok(state);
        }
        if (offline)
          return refuse(
            'unreachable',
            `the package lists of ${suite} are not in the cache, and --offline forbids to fetch them`,
          );

        const machineDump = await dumpAndConfigure();
        await writeFile(join(folder, 'machine.sources'), sources);
        if (!/^Acquire::(?:https?::)?Proxy(?:-Auto-Detect)? "[^"]/im.test(machineDump)) {
          for (const uri of urisOf(parseDeb822(sources)).filter((uri) => /^https?:/.test(uri))) {
            const why = await http.reach(uri, signal);
            if (why !== undefined) return refuse('unreachable', `the archive does not answer: ${why}`);
          }
        }
        const updated = await run(['apt-get', 'update', '-q', '--error-on=any'], { ...state, signal });
        if (updated.exitCode !== 0)
          return refuse('unreachable', `apt-get update for ${suite}: ${lastLines(updated.stderr)}`);
        await writeFile(join(folder, 'updated'), `${clock.date().getTime()}\n${sources}`);
        return ok(state);
      },
    );
  }

  /** What apt would install for these packages, given what it considers installed. */
  async function plannedFor(
    packageNames: readonly string[],
    { suite, signal, onTopOf }: { suite: string; signal: AbortSignal; onTopOf: readonly string[] },
  ): Promise<Result<readonly DebianPackage[], Refusal>> {
    const state = await suiteState(suite, signal);
    if (!state.ok) return state;
    const flags = ['--simulate', '--no-install-recommends', '--reinstall', '-q', ...onTopOf];
    const argv = ['apt-get', 'install', ...flags, ...packageNames];
    const { exitCode, stdout, stderr } = await run(argv, { ...state.value, signal });
    if (exitCode !== 0) {
      return err({
        source: 'debian',
        reason: 'not-there',
        why: `${argv.join(' ')} for ${suite}: ${lastLines(stderr)}`,
      });
    }
    const planned = [...stdout.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)];
    return ok(planned.map(([, name = '', version = '']) => ({ suite, name, version })));
  }

  return {
    /** the codename of the release of this host: bookworm */
    hostRelease,

    /** Every version of a package in a suite, newest first. */
    async versionsIn(
      suite: string,
      packageName: string,
      signal: AbortSignal,
    ): Promise<Result<readonly DebianPackage[], Refusal>> {
      const state = await suiteState(suite, signal);
      if (!state.ok) return state;
      const { exitCode, stdout, stderr } = await run(['apt-cache', 'madison', packageName], {
        ...state.value,
        signal,
      });
      if (exitCode !== 0)
        throw new LabError(`apt-cache madison ${packageName} for ${suite}: ${lastLines(stderr)}`);
      const versions = stdout.split('\n').flatMap((line) => {
        const [name, version] = line.split('|').map((cell) => cell.trim());
        return name === packageName && version !== undefined ? [version] : [];
      });
      return ok([...new Set(versions)].map((version) => ({ suite, name: packageName, version })));
    },

    /** Everything that the package needs and this host does not have, including the package. */
    missingFor: (
      packageName: string,
      suite: string,
      signal: AbortSignal,
    ): Promise<Result<readonly DebianPackage[], Refusal>> =>
      plannedFor([packageName], { suite, signal, onTopOf: [] }),

    /** Everything that the packages need on an empty system, including the packages. */
    allFor: (
      packageNames: readonly string[],
      suite: string,
      signal: AbortSignal,
    ): Promise<Result<readonly DebianPackage[], Refusal>> =>
      plannedFor(packageNames, { suite, signal, onTopOf: ['-o', 'Dir::State::status=/dev/null'] }),

    /** Downloads packages of one suite and unpacks them into one tree, in order. Nothing in them is run. */
    async unpack(
      packages: readonly DebianPackage[],
      into: { readonly treeHostPath: string; readonly scratchHostPath: string; readonly signal: AbortSignal },
    ): Promise<Result<undefined, Refusal>> {
      const { treeHostPath, scratchHostPath, signal } = into;
      const refuse = (reason: Refusal['reason'], why: string): { ok: false; error: Refusal } =>
        err({ source: 'debian', reason, why });
      const [first] = packages;
      if (first === undefined) return ok(undefined);
      const state = await suiteState(first.suite, signal);
      if (!state.ok) return state;
      const wanted = packages.map(({ name, version }) => `${name}=${version}`);
      if (offline)
        return refuse(
          'unreachable',
          `${wanted.join(' ')} is not in the cache, and --offline forbids to fetch it`,
        );

      const cwd = join(scratchHostPath, 'debs');
      await Promise.all([cwd, treeHostPath].map((folder) => mkdir(folder, { recursive: true })));
      const options = { ...state.value, signal, cwd };
      const got = await run(['apt-get', 'download', '-q', ...wanted], options);
      const debs = await readdir(cwd);
      for (const { name, version } of packages) {
        const deb = debs.find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
        if (got.exitCode !== 0 || deb === undefined)
          return refuse('broken', `apt-get download ${name}=${version}: ${lastLines(got.stderr)}`);
        const unpacked = await run(['dpkg-deb', '-x', join(cwd, deb), treeHostPath], options);
        if (unpacked.exitCode !== 0)
          return refuse('broken', `dpkg-deb -x ${deb}: ${lastLines(unpacked.stderr)}`);
      }
      return ok(undefined);
    },
  };
}

interface SuiteState {
  readonly suite: string;
  readonly folder: string;
  readonly aptConfigHostPath: string;
}

interface RunOptions {
  readonly aptConfigHostPath: string;
  readonly signal: AbortSignal;
  readonly cwd?: string;
}

const lastLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ');

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../core/ports.ts';
import type { Arch } from '../../core/components.ts';
import { parseDeb822, parseOneLineSources, type AptEntry } from './sources.ts';

/** Names for suites that change their meaning; a machine may have one in its own sources. */
export const DEBIAN_ALIASES = ['oldoldstable', 'oldstable', 'stable', 'testing', 'unstable'];

/** Read by apt after the machine's own files, so that it overrules them; see apt.conf(5). */
export function aptConfig({
  folder,
  arch,
  machineDump,
}: {
  folder: string;
  arch: Arch;
  machineDump: string;
}): string {
  const targets = [...machineDump.matchAll(/^Acquire::IndexTargets::deb::([\w-]+)::MetaKey /gm)].map(
    ([, name]) => name ?? '',
  );
  return [
    `APT::Architecture "${arch}";`,
    `Dir::State "${folder}";`,
    `Dir::State::lists "${folder}/lists";`,
    `Dir::Cache "${folder}";`,
    `Dir::Cache::archives "${folder}/archives";`,
    `Dir::Etc::sourcelist "${folder}/machine.sources";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    'Acquire::Languages "none";',
    'Acquire::Retries "0";',
    'APT::Sandbox::User "root";', // the cache is the user's own; apt's user may not even enter it
    'APT::Install-Recommends "false";',
    // Hooks of the machine (docker-clean, packagekit) would touch the machine's own state.
    ...['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'].map((hook) => `#clear APT::Update::${hook};`),
    ...targets
      .filter((name) => name !== 'Packages')
      .map((name) => `Acquire::IndexTargets::deb::${name}::DefaultEnabled "false";`),
    '',
  ].join('\n');
}

/** What the machine's own apt reads, in both of its formats. */
export async function machineEntries(exec: Exec, signal: AbortSignal): Promise<readonly AptEntry[]> {
  const asked = await exec(
    ['apt-config', 'shell', 'LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'],
    { signal },
  );
  const told = (name: string) => new RegExp(`^${name}='(.*)'$`, 'm').exec(asked.stdout)?.[1];
  const parts = told('PARTS') ?? '/etc/apt/sources.list.d/';
  const files = [
    told('LIST') ?? '/etc/apt/sources.list',
    ...(await readdir(parts).catch(() => [])).sort().map((name) => join(parts, name)),
  ];
  const entries: AptEntry[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.list')) entries.push(...parseOneLineSources(text));
    if (file.endsWith('.sources')) entries.push(...parseDeb822(text));
  }
  return entries;
}

/** What this host's own system calls itself: debian, bookworm. */
export async function hostRelease(): Promise<{ readonly id: string; readonly codename: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const told = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: told('ID'), codename: told('VERSION_CODENAME') };
}

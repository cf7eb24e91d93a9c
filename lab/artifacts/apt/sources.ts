import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Arch } from '../../core/components.ts';
import type { Exec } from '../../core/ports.ts';

/**
 * One entry of the sources of apt, as the fields of its deb822 form. Names are in lower case; values keep their line
 * breaks.
 */
export type AptEntry = Readonly<Record<string, string>>;

/** Reads a *.sources file: stanzas of `Field: value`, with continuation lines (Signed-By can contain a key). */
export function parseDeb822(text: string): readonly AptEntry[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((stanza) => {
      const fields: Record<string, string> = {};
      let field = '';
      for (const line of stanza.split('\n')) {
        if (line.startsWith('#')) continue;
        const named = /^([A-Za-z][\w-]*):(.*)$/.exec(line);
        if (named !== null) fields[(field = (named[1] ?? '').toLowerCase())] = (named[2] ?? '').trim();
        else if (/^[ \t]/.test(line) && field !== '') fields[field] += `\n${line}`;
      }
      return fields;
    })
    .filter((fields) => fields.types !== undefined && !/^no$/i.test(fields.enabled ?? 'yes'));
}

/** see sources.list(5); three options have another name in the deb822 form */
const FIELD_OF_OPTION: Readonly<Record<string, string>> = {
  arch: 'architectures',
  lang: 'languages',
  target: 'targets',
};

/** Reads a *.list file: `deb [option=value …] uri suite component…`. */
export function parseOneLineSources(text: string): readonly AptEntry[] {
  return text.split('\n').flatMap((line) => {
    const words = /^\s*(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (words === null) return [];
    const [, types = '', options = '', uris = '', suites = '', components = ''] = words;
    const fields: Record<string, string> = { types, uris, suites, components: components.trim() };
    for (const option of options.split(/\s+/)) {
      const set = /^([\w-]+)=(.*)$/.exec(option);
      if (set !== null)
        fields[FIELD_OF_OPTION[set[1] ?? ''] ?? set[1] ?? ''] = (set[2] ?? '').replaceAll(',', ' ');
    }
    return [fields];
  });
}

/** The pocket at the end of the name of a suite. Security fixes are in a separate archive. */
type Pocket = '' | '-security' | '-updates';

export interface SuiteSources {
  /** all release names of the distribution; the entries of the machine may use any of them */
  readonly suiteNames: readonly string[];
  readonly wanted: string;
  /** whatever architectures the entries of the machine are for */
  readonly arch: Arch;
  readonly pockets: readonly Pocket[];
}

/**
 * The archives, mirrors and keys of this machine for another suite of the same distribution, as the text of a *.sources
 * file. Undefined if no entry is for the archive of the distribution.
 */
export function sourcesForSuite(
  entries: readonly AptEntry[],
  { suiteNames, wanted, arch, pockets }: SuiteSources,
): string | undefined {
  const stanzas = pockets.flatMap((pocket) =>
    entries
      .filter((entry) => words(entry.types).includes('deb'))
      .filter((entry) =>
        words(entry.suites).some((suite) => suiteNames.some((name) => suite === `${name}${pocket}`)),
      )
      .map((entry) => {
        const components = words(entry.components).filter((name) => name === 'main' || name === 'universe');
        const { enabled: _, ...rest } = entry;
        return {
          ...rest,
          types: 'deb',
          suites: `${wanted}${pocket}`,
          components: components.join(' '),
          architectures: arch,
        };
      })
      .filter(({ components }) => components !== ''),
  );
  const texts = stanzas.map((stanza) =>
    Object.entries(stanza)
      .map(([field, value]) => `${field}: ${value}\n`)
      .join(''),
  );
  return texts.length === 0 ? undefined : [...new Set(texts)].join('\n');
}

/** Every address that the entries fetch from. */
export const urisOf = (entries: readonly AptEntry[]): readonly string[] => [
  ...new Set(entries.flatMap((entry) => words(entry.uris))),
];

const words = (text: string | undefined): readonly string[] =>
  (text ?? '').split(/\s+/).filter((word) => word !== '');

/** Suite names whose meaning changes over time. The sources of a machine may use one. */
export const DEBIAN_ALIASES = ['oldoldstable', 'oldstable', 'stable', 'testing', 'unstable'];

/** apt reads this after the files of the machine, so it takes precedence; see apt.conf(5). */
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
    'APT::Sandbox::User "root";', // the cache belongs to the user; the user of apt may have no access to it
    'APT::Install-Recommends "false";',
    // Hooks of the machine (docker-clean, packagekit) would change the state of the machine.
    ...['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'].map((hook) => `#clear APT::Update::${hook};`),
    ...targets
      .filter((name) => name !== 'Packages')
      .map((name) => `Acquire::IndexTargets::deb::${name}::DefaultEnabled "false";`),
    '',
  ].join('\n');
}

/** The entries that apt of this machine reads, in both formats. */
export async function machineEntries(exec: Exec, signal: AbortSignal): Promise<readonly AptEntry[]> {
  const asked = await exec(
    ['apt-config', 'shell', 'LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'],
    { signal },
  );
  const valueOf = (name: string) => new RegExp(`^${name}='(.*)'$`, 'm').exec(asked.stdout)?.[1];
  const parts = valueOf('PARTS') ?? '/etc/apt/sources.list.d/';
  const files = [
    valueOf('LIST') ?? '/etc/apt/sources.list',
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

/** The name and codename of the system of this host: debian, bookworm. */
export async function hostRelease(): Promise<{ readonly id: string; readonly codename: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const valueOf = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: valueOf('ID'), codename: valueOf('VERSION_CODENAME') };
}

import type { Arch } from '../../core/components.ts';

/** One entry of apt's sources, as the fields of its deb822 form; names in lower case, values with their line breaks. */
export type AptEntry = Readonly<Record<string, string>>;

/** Reads a *.sources file: stanzas of `Field: value`, with continuation lines (a key may stand in Signed-By). */
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

/** sources.list(5): three options have another name in the deb822 form */
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

/** The part of the archive that a suite's name ends in: security fixes lie in an archive of their own. */
type Pocket = '' | '-security' | '-updates';

export interface SuiteSources {
  /** what the distribution calls its releases: names that the machine's own entries may have */
  readonly suiteNames: readonly string[];
  readonly wanted: string;
  /** whatever architectures the machine's own entries are for */
  readonly arch: Arch;
  readonly pockets: readonly Pocket[];
}

/**
 * The machine's own archives, mirrors and keys, for another suite of the same distribution: as the text of a *.sources
 * file, or undefined when none of the entries is for the distribution's archive.
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

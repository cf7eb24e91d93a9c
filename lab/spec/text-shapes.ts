import { isIPv4, isIPv6 } from 'node:net';

import type { Entry } from './yaml-value.ts';
import { contentOf, type Content } from '../core/content.ts';
import { present, object } from './object-shape.ts';
import type { TextExpectation, VersionText, FileSpec } from './scenario.ts';
import { formatWritten, jsonShape } from './written-json.ts';
import { LIMITS } from './limits.ts';
import { text } from './scalar-shapes.ts';
import { mentioning, type Reach } from './mention.ts';
import { about, byKind, list, mapOf, mapped, named, type Shape } from './shape.ts';
import { IN_EVERY_TEXT, isInEveryText, literally } from './template.ts';
import { parseVersionSpec } from './version-spec.ts';
import type { YamlValue } from './yaml-value.ts';

/** Names of scenarios, pods, containers, nodes and axes. */
export const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
export const NAME_WANTED = 'a name of small letters, digits and dashes';
const RESERVED = ['matrix', 'listed', 'node', 'none'];

/** What is wrong with a name that only contains valid characters. */
export function nameMistake(name: string): string | undefined {
  if (name.length > LIMITS.name)
    return `a name has at most ${LIMITS.name} characters; this one has ${name.length}`;
  return RESERVED.includes(name) ? `"${name}" means something else already; take another name` : undefined;
}

export const nameShape: Shape<string> = mapped(
  text({ wanted: NAME_WANTED, pattern: NAME }),
  (value, spot) => {
    const mistake = nameMistake(value);
    return mistake === undefined ? value : spot.mistake(mistake);
  },
);

/** A mapping that says by `on` which node it is about, where there are several. */
export const aboutOneNode = <T>(
  what: string,
  shape: Shape<T>,
  /** whether it is about the cluster, and so names no node */
  isOfCluster: (entries: readonly Entry[]) => boolean = () => false,
): Shape<T> => ({
  ...shape,
  read: (spot) => {
    const entries = spot.kind === 'mapping' ? spot.entries : [];
    if (isOfCluster(entries)) spot.mention({ kind: 'on-cluster', what });
    else mentionNode(what, spot);
    return shape.read(spot);
  },
});

export function mentionNode(what: string, spot: YamlValue): void {
  const on = nodeEntry(spot);
  (on ?? spot).mention({ kind: 'on', node: on?.text, what });
}

/** Whether a mapping says by `on` which node it is about. */
export const hasNode = (spot: YamlValue): boolean => nodeEntry(spot) !== undefined;

const nodeEntry = (spot: YamlValue): YamlValue | undefined =>
  spot.kind === 'mapping' ? spot.entries.find(({ name }) => name === 'on')?.value : undefined;

/** A text that can refer to something. */
export const template = (reach: Reach): Shape<string> =>
  mentioning(text(), (value) => ({ kind: 'text', text: value, reach }));

export const usedPod: Shape<string> = about(
  'a pod that an earlier step has run',
  mentioning(nameShape, (name) => ({ kind: 'used', what: 'pod', name })),
);

export const usedBackground: Shape<string> = about(
  'the name of an earlier step that goes on in the background',
  mentioning(nameShape, (name) => ({ kind: 'background-end', name })),
);

export const killedName: Shape<string> = about(
  'the name of an earlier step that goes on in the background, or of a listener',
  mentioning(nameShape, (name) => ({ kind: 'killed', name })),
);

export const usedContainer: Shape<string> = about(
  'a container that an earlier step has created',
  mentioning(nameShape, (name) => ({ kind: 'used', what: 'container', name })),
);

export const versionShape: Shape<VersionText> = named(
  'version',
  about(
    '1.6.3, gomod:1.6.3, release:1.6.3, debian:1.6.20, debian:bookworm, local:PATH or default',
    mapped(text({ wanted: 'a version' }), (value, spot) => {
      spot.mention({ kind: 'text', text: value, reach: 'matrix' });
      const read = value.includes('${') ? undefined : parseVersionSpec(value);
      if (read?.ok === false) return spot.mistake(read.error);
      const axis = /^\$\{matrix\.([^}]+)\}$/.exec(value)?.[1];
      if (axis !== undefined) spot.mention({ kind: 'version-axis', axis });
      return { text: value, place: spot.place };
    }),
  ),
);

const NO_REGEXP =
  'texts are exact, and what varies is captured, as ${x:number}; a part is { contains: …, why: … }';

/** A part that must be found in a text. A part that nearly every text contains is a mistake. */
const part: Shape<string> = mapped(template('expectation'), (value, spot) => {
  if (isInEveryText(value)) return spot.mistake(IN_EVERY_TEXT);
  spot.mention({ kind: 'part', text: value });
  return value;
});

/** The argument of `byKind` for a shape that is a text, which can also be a number. */
export const forTexts = <T>(shape: Shape<T>) => ({ text: shape, number: shape });

export const exactOrPart: Shape<TextExpectation> = named(
  'text',
  byKind<TextExpectation>({
    ...forTexts(mapped(template('expectation'), (exact, spot) => ({ exact, place: spot.place }))),
    mapping: object(
      {
        required: {
          contains: about('a part of it, where the whole text is not known', part),
          why: about('why not the whole', text()),
        },
        optional: {},
        otherWords: { matches: NO_REGEXP, regex: NO_REGEXP, regexp: NO_REGEXP, pattern: NO_REGEXP },
      },
      ({ contains, why }, spot) => ({ contains, why, place: spot.place }),
    ),
  }),
);

type FileContent = Pick<FileSpec, 'content' | 'encoding' | 'mode' | 'mapping'>;

/** `./x.conflist`: a file next to the scenario, byte for byte. */
const fromShape: Shape<Content> = about(
  'the path of a file, from the folder of this one; what is in it is taken as it stands',
  mapped(text(), (path, spot) => {
    if (path.includes('${')) return spot.mistake(`a path is plain text; got ${JSON.stringify(path)}`);
    const bytes = spot.beside(path);
    if (!bytes.ok) return spot.mistake(bytes.error);
    if (bytes.value.length <= LIMITS.fileBytes) {
      const content = contentOf(bytes.value);
      if (content.encoding === undefined) spot.mention({ kind: 'words', text: content.content });
      return literalContent(content);
    }
    return spot.mistake(
      `${path} has ${bytes.value.length} bytes; a file that is taken in has at most ${LIMITS.fileBytes}`,
    );
  }),
);

/** A text, or `{ from: ./x.sh }`. */
export const contentShape = (reach: Reach): Shape<Content> =>
  byKind<Content>({
    ...forTexts(mapped(template(reach), (content) => ({ content }))),
    mapping: object({ required: { from: fromShape }, optional: {} }, ({ from }) => from),
  });

/** A mapping that becomes JSON, as it is written. */
export const jsonContent = (reach: Reach): Shape<Pick<FileSpec, 'content' | 'mapping'>> =>
  mapped(jsonShape({ reach, numbers: 'as written' }), (mapping) => ({
    content: formatWritten(mapping),
    mapping,
  }));

/** Files by name in /etc/cni/net.d or by absolute path. */
export function filesShape(reach: Reach, kind: 'name' | 'absolute path'): Shape<readonly FileSpec[]> {
  const literal = mapped(template(reach), (content): FileContent => ({ content }));
  const json: Shape<FileContent> = jsonContent(reach);
  const mode = about('such as 0644 or 0755', fileMode);
  const withMode = object(
    {
      required: {
        content: about(
          'as it is written, or a mapping that becomes JSON',
          byKind<FileContent>({ ...forTexts(literal), mapping: json }),
        ),
      },
      optional: { mode },
    },
    ({ content, mode }): FileContent => ({ ...content, ...present({ mode }) }),
  );
  const withFrom = object(
    { required: { from: fromShape }, optional: { mode } },
    ({ from, mode }): FileContent => ({ ...from, ...present({ mode }) }),
  );
  const mapping: Shape<FileContent> = {
    ...json,
    read: (spot) => {
      const names = spot.entries.map(({ name }) => name);
      const hasOnly = (key: string) =>
        names.includes(key) && names.every((name) => name === key || name === 'mode');
      if (hasOnly('from')) return withFrom.read(spot);
      return (hasOnly('content') ? withMode : json).read(spot);
    },
  };
  return mapOf(byKind({ ...forTexts(literal), mapping }), {
    key: (name, spot) => {
      spot.mention({ kind: 'text', text: name, reach: 'matrix' });
      const wrong = kind === 'name' ? whyNoName(name) : whyNoPath(name);
      if (wrong !== undefined) spot.mistake(wrong);
    },
    build: (value, name, key) => ({ name, ...value, place: key.place }),
  });
}

/** Why a text is not an absolute path of a file. */
export function whyNoPath(path: string): string | undefined {
  const steps = path.split('/').slice(1);
  const fits =
    path.startsWith('/') && !steps.some((step) => ['', '.', '..'].includes(step) || isNoName(step));
  return fits ? undefined : `wanted an absolute path of a file; got ${JSON.stringify(path)}`;
}

/** Why a text is not the name of a file in /etc/cni/net.d. */
export function whyNoName(name: string): string | undefined {
  const fits = name !== '' && !name.includes('/') && !name.startsWith('.') && !isNoName(name);
  return fits ? undefined : `wanted the name of a file in /etc/cni/net.d; got ${JSON.stringify(name)}`;
}

/** Names that no file system accepts. */
const isNoName = (name: string): boolean => name.includes('\0') || Buffer.byteLength(name) > 255;

/** 755, 0755 and 0o755 mean the same. */
const fileMode: Shape<number> = {
  ...mapped(text({ wanted: 'a mode such as 0755', pattern: /^0?o?[0-7]{3,4}$/ }), (mode) =>
    Number.parseInt(mode.replace('o', ''), 8),
  ),
};

/** Turns a literal content into a template for exactly this content. Binary content is always literal. */
export const literalContent = ({ content, encoding }: Content): Content =>
  encoding === undefined ? { content: literally(content) } : { content, encoding };

const words = list(
  mapped(template('step'), (value, spot) =>
    value.includes('\0') ? spot.mistake('no word of a command can hold the character U+0000') : value,
  ),
  { min: 1 },
);

/** A command as a list of words, because no shell reads it. If it is a single text, the message shows it as a list. */
export const argvShape: Shape<readonly string[]> = {
  ...words,
  wanted: 'a list of words',
  read: (spot) => {
    if (spot.kind !== 'text') return words.read(spot);
    const line = spot.text ?? '';
    return spot.mistake(`a command is a list of words, as no shell reads it: write ${asWords(line)}`);
  },
};

function asWords(line: string): string {
  const shell = `[sh, -c, ${quote(line)}]`;
  const words = line.trim().split(/\s+/);
  const isPlain = words.every((word) => /^[\w@%+=:./${}-]+$/.test(word));
  return isPlain && words[0] !== '' ? `[${words.map(asItem).join(', ')}], or ${shell}` : shell;
}

/** Plain if YAML reads exactly the same text. */
const asItem = (word: string): string =>
  /^[A-Za-z/][\w./-]*$/.test(word) && !/^(?:true|false|null)$/i.test(word) ? word : quote(word);

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** What is wrong with an address for `connect`, as far as it is known before the run. `${…}` can be anything. */
export function addressMistake(text: string): string | undefined {
  const [, host = '', port = ''] = /^(\[.*\]|[^:]*):([^:]*)$/.exec(text.replaceAll(REFERENCE, '\0')) ?? [];
  const number = /^\d+$/.test(port) ? Number(port) : Number.NaN;
  const isPort = port.includes('\0') || (number >= 1 && number <= 65_535);
  if (isPort && isHost(host)) return undefined;
  return `wanted an address and a port from 1 to 65535: 10.88.0.1:80, \${web.ip}:80 or [\${web.ip6}]:80; got ${JSON.stringify(text)}`;
}

/** The colon in `${x:ip}` does not belong to the address. */
const REFERENCE = /\$\{[^}]*\}/g;

function isHost(host: string): boolean {
  if (host.includes('\0')) return true;
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1));
  if (/^[\d.]+$/.test(host)) return isIPv4(host);
  return /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host);
}

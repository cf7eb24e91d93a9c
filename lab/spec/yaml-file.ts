import { posix } from 'node:path';
import {
  Lexer,
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';

import { err, type Result, ok } from '../core/lab-error.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Mention, Mentioned } from './mention.ts';
import { YamlValue } from './yaml-value.ts';
import { LIMITS } from './limits.ts';

/** The bytes of a file whose path is relative to the folder of the scenario, or why there are none. */
export type Beside = (path: string) => Result<Uint8Array, string>;

const NOTHING_BESIDE: Beside = () => err('nothing is read beside it');

/** A YAML text, read as far as possible, with all mistakes and all mentions in its values. */
export class YamlFile {
  readonly file: string;
  readonly text: string;
  /** reads a file next to this one */
  readonly beside: Beside;
  readonly #lines = new LineCounter();
  readonly #document: Document | undefined;
  readonly #mistakes = new Map<string, { readonly mistake: Diagnostic; readonly order: number }>();
  readonly #mentions: Mentioned[] = [];
  #spots = 0;
  #noted = 0;
  /** the file that includes this one and collects the mistakes and mentions of both; itself if no file includes it */
  readonly #owner: YamlFile;
  readonly #included: readonly YamlFile[];

  constructor({
    file,
    text,
    beside = NOTHING_BESIDE,
    owner,
  }: {
    file: string;
    text: string;
    beside?: Beside;
    owner?: YamlFile;
  }) {
    this.beside = beside;
    this.file = file;
    this.text = text;
    this.#owner = owner ?? this;
    this.#document = this.#parse();
    this.#included = owner === undefined ? this.#include() : [];
  }

  /** The texts of the files that it includes, by name. */
  get includedTexts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#included.map(({ file, text }) => [file, text]));
  }

  /** The complete file. Undefined if it is not YAML at all, which is then one of the mistakes. */
  get root(): YamlValue | undefined {
    if (this.#document === undefined) return undefined;
    return this.spot(this.#document.contents, { fallback: [0, 0], depth: 0 });
  }

  /** In the order of the file. Mistakes at one place are in the order in which they were found. */
  get mistakes(): readonly Diagnostic[] {
    return [...this.#mistakes.values()]
      .sort(
        ({ mistake: { place: a }, order: first }, { mistake: { place: b }, order: second }) =>
          this.#rankOf(a.file) - this.#rankOf(b.file) ||
          a.line - b.line ||
          a.column - b.column ||
          first - second,
      )
      .map(({ mistake }) => mistake);
  }

  /** In the order in which they were read. */
  get mentions(): readonly Mentioned[] {
    return this.#mentions;
  }

  mention(mention: Mention, spot: YamlValue): void {
    const owner = this.#owner;
    owner.#mentions.push({ mention, spot, order: owner.#noted++ });
  }

  placeOf(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** The same mistake at the same place is reported once, however many aliases lead there. */
  mistake(message: string, [start, end]: readonly [number, number], order = this.#owner.#noted++): void {
    const place = this.placeOf(start);
    const lineStart = start - (place.column - 1);
    const newline = this.text.indexOf('\n', lineStart);
    const text = this.text.slice(lineStart, newline < 0 ? undefined : newline).trimEnd();
    const length = Math.max(1, Math.min(end - start, text.length - (place.column - 1)));
    this.#owner.#collect({ place, message, source: { text, length } }, order);
  }

  #collect(mistake: Diagnostic, order: number): void {
    const { place, message } = mistake;
    const key = `${place.file}:${place.line}:${place.column} ${message}`;
    const first = Math.min(order, this.#mistakes.get(key)?.order ?? order);
    this.#mistakes.set(key, { mistake, order: first });
  }

  /** This file comes first, then the files that it includes, in order. */
  #rankOf(file: string): number {
    return file === this.file ? -1 : this.#included.findIndex((one) => one.file === file);
  }

  #include(): readonly YamlFile[] {
    const root = this.#document?.contents;
    const value = isMap(root) ? root.get('include', true) : undefined;
    const nodes = isSeq(value) ? value.items : [value];
    return nodes.flatMap((node) => {
      if (!isScalar(node) || typeof node.value !== 'string') return []; // the shape of a scenario reports it
      const path = node.value;
      const bytes = this.beside(path);
      if (!bytes.ok) {
        this.mistake(bytes.error, rangeOf(node) ?? [0, 0]);
        return [];
      }
      const file = posix.join(posix.dirname(this.file), path);
      const text = fileText({ file, bytes: bytes.value });
      if (!text.ok) {
        this.#collect(text.error, this.#noted++);
        return [];
      }
      const beside: Beside = (other) => this.beside(posix.join(posix.dirname(path), other));
      const included = new YamlFile({ file, text: text.value, beside, owner: this });
      included.#checkFragments();
      return [included];
    });
  }

  #checkFragments(): void {
    const { root } = this;
    if (root === undefined) return;
    if (root.kind !== 'mapping') root.wants('a mapping of fragments, whose names begin with x-');
    for (const { name, key } of root.entries)
      if (!name.startsWith('x-'))
        key.mistake(`a file that is included has fragments alone, whose names begin with x-; got "${name}"`);
  }

  /** The node with an anchor of this name. */
  #anchored(name: string): Node | undefined {
    let found: Node | undefined;
    if (this.#document !== undefined)
      visit(this.#document, {
        Node: (_key, node) => {
          if ('anchor' in node && node.anchor === name) found = node;
        },
      });
    return found;
  }

  spot(
    node: Node | null,
    { fallback, depth }: { fallback: readonly [number, number]; depth: number },
  ): YamlValue {
    const range: readonly [number, number] = rangeOf(node) ?? fallback;
    this.#owner.#spots += 1;
    if (depth > MAX_DEPTH || this.#owner.#spots > MAX_SPOTS) {
      this.mistake(depth > MAX_DEPTH ? TOO_DEEP : TOO_MANY, range);
      return new YamlValue(this, { node: null, range, depth, broken: true });
    }
    if (!isAlias(node)) return new YamlValue(this, { node, range, depth });
    const target = this.#document === undefined ? undefined : node.resolve(this.#document);
    if (target !== undefined) return this.spot(target, { fallback: range, depth: depth + 1 });
    for (const included of this.#included) {
      const fragment = included.#anchored(node.source);
      if (fragment !== undefined) return included.spot(fragment, { fallback: [0, 0], depth: depth + 1 });
    }
    this.mistake(`no anchor "&${node.source}" stands before this`, range);
    return new YamlValue(this, { node: null, range, depth, broken: true });
  }

  /**
   * References without quotes confuse the parser for the rest of the line. If there are any, only they are reported.
   */
  #reportProblems(document: Document.Parsed): void {
    const problems = [...document.errors, ...document.warnings];
    const references = problems.length === 0 ? [] : unquotedReferences(this.text);
    for (const [start, end] of references) {
      const reference = this.text.slice(start, end);
      this.mistake(
        `within { } and [ ], ${reference} needs quotes: '${reference}'. For a number, which quotes would make a text, write the mapping on lines of its own`,
        [start, end],
      );
    }
    if (references.length > 0) return;
    for (const { code, message, pos } of problems) {
      const several = code === 'MULTIPLE_DOCS';
      this.mistake(several ? SEVERAL : `this is not YAML: ${message}`, pos);
    }
    for (const { tag, range } of unknownTags(document)) {
      this.mistake(`a scenario has no values of type ${tag}; write what is meant without the tag`, range);
    }
    const control = CONTROL.exec(this.text);
    if (control !== null) {
      const code = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      this.mistake(`the control character U+${code} cannot stand in a YAML file`, [
        control.index,
        control.index + 1,
      ]);
    }
  }

  #parse(): Document | undefined {
    try {
      const document = parseDocument(this.text, {
        lineCounter: this.#lines,
        merge: true,
        uniqueKeys: false,
        prettyErrors: false,
      });
      this.#reportProblems(document);
      return document.errors.length > 0 ? undefined : document;
    } catch (thrown) {
      // yaml recurses into nested values
      if (!(thrown instanceof RangeError)) throw thrown;
      this.mistake(TOO_DEEP, [0, 0]);
      return undefined;
    }
  }
}

const MAX_DEPTH = 100;
const MAX_SPOTS = 100_000;
const TOO_DEEP = `this is nested more than ${MAX_DEPTH} levels deep`;
const TOO_MANY = `this file holds more than ${MAX_SPOTS} values, or repeats itself too often by aliases`;

const SEVERAL = 'a file holds one scenario; put what begins here into a file of its own';
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Places where `${…}` is in a list or mapping in brackets without quotes. YAML reads it as `$` and a mapping. */
function unquotedReferences(text: string): readonly (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  let offset = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (token.length === 1 && MARKERS.includes(token)) continue;
    const close = text.indexOf('}', offset);
    if (token === '{' && before.endsWith('$') && close > 0) found.push([offset - before.length, close + 1]);
    offset += token.length;
    before = token;
  }
  return found;
}

/** Characters that the lexer puts between tokens and that are not part of the text. */
const MARKERS = ['\u0002', '\u0018', '\u001f'];

const TAGS = ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`);

/** Tags for types that JSON, TOML and texts do not have. */
function unknownTags(
  document: Document.Parsed,
): readonly { tag: string; range: readonly [number, number] }[] {
  const found: { tag: string; range: readonly [number, number] }[] = [];
  visit(document, {
    Node: (_key, { tag, range }) => {
      if (tag === undefined || TAGS.includes(tag) || range === undefined || range === null) return;
      found.push({ tag: tag.replace('tag:yaml.org,2002:', '!!'), range: [range[0], range[1]] });
    },
  });
  return found;
}

/** The range to report. An empty value has no place of its own. */
function rangeOf(node: Node | null): readonly [number, number] | undefined {
  const range = node?.range;
  if (range === undefined || range === null || range[0] === range[1]) return undefined;
  return [range[0], range[1]];
}

/** The text of a scenario file, or the place where its bytes are not valid. */
export function fileText({ file, bytes }: { file: string; bytes: Uint8Array }): Result<string, Diagnostic> {
  if (bytes.length > LIMITS.fileBytes) {
    const message = `the file has ${bytes.length} bytes; a scenario file has at most ${LIMITS.fileBytes}`;
    return err({ place: { file, line: 1, column: 1 }, message });
  }
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return err(notUtf8({ file, bytes }));
  }
}

/** Decoded leniently, the first invalid byte becomes a replacement character. */
function notUtf8({ file, bytes }: { file: string; bytes: Uint8Array }): Diagnostic {
  const lines = new TextDecoder('utf-8').decode(bytes).split('\n');
  const encoded = splitLines(bytes);
  const index = encoded.findIndex((line) => !isUtf8(line));
  const line = (lines[index] ?? '').trimEnd();
  const column = line.indexOf('\ufffd') + 1 || 1;
  return {
    place: { file, line: index + 1, column },
    message: 'this is not UTF-8, which a scenario file has to be; save it as UTF-8',
    source: { text: line, length: 1 },
  };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let to = bytes.indexOf(NEWLINE); to >= 0; to = bytes.indexOf(NEWLINE, from)) {
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return [...lines, bytes.subarray(from)];
}

const NEWLINE = 10;

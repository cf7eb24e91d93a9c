import { LineCounter, isAlias, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { Diagnostic, Place } from './diagnostic.ts';
import { Spot } from './spot.ts';

/** A YAML text, read as far as it can be, and all that was found wrong with it. */
export class YamlFile {
  readonly file: string;
  readonly text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document | undefined;
  readonly #mistakes = new Map<string, Diagnostic>();
  #spots = 0;

  constructor({ file, text }: { file: string; text: string }) {
    this.file = file;
    this.text = text;
    this.#document = this.#parse();
  }

  /** The whole file; undefined when it is not YAML at all, which then is among the mistakes. */
  get root(): Spot | undefined {
    if (this.#document === undefined) return undefined;
    return this.spot(this.#document.contents, { fallback: [0, 0], depth: 0 });
  }

  /** In the order of the file. */
  get mistakes(): readonly Diagnostic[] {
    return [...this.#mistakes.values()].sort(
      (a, b) => a.place.line - b.place.line || a.place.column - b.place.column,
    );
  }

  placeOf(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** The same mistake at the same place is one, however many aliases lead there. */
  mistake(message: string, [start, end]: readonly [number, number]): void {
    const place = this.placeOf(start);
    const lineStart = start - (place.column - 1);
    const newline = this.text.indexOf('\n', lineStart);
    const text = this.text.slice(lineStart, newline < 0 ? undefined : newline).trimEnd();
    const length = Math.max(1, Math.min(end - start, text.length - (place.column - 1)));
    this.#mistakes.set(`${start} ${message}`, { place, message, source: { text, length } });
  }

  spot(node: Node | null, { fallback, depth }: { fallback: readonly [number, number]; depth: number }): Spot {
    const range: readonly [number, number] = rangeOf(node) ?? fallback;
    this.#spots += 1;
    if (depth > MAX_DEPTH || this.#spots > MAX_SPOTS) {
      this.mistake('this is nested too deeply, or repeats itself too often by aliases', range);
      return new Spot(this, { node: null, range, depth, broken: true });
    }
    if (!isAlias(node)) return new Spot(this, { node, range, depth });
    const target = this.#document === undefined ? undefined : node.resolve(this.#document);
    if (target !== undefined) return this.spot(target, { fallback: range, depth: depth + 1 });
    this.mistake(`no anchor "&${node.source}" stands before this`, range);
    return new Spot(this, { node: null, range, depth, broken: true });
  }

  #parse(): Document | undefined {
    try {
      const document = parseDocument(this.text, {
        lineCounter: this.#lines,
        merge: true,
        uniqueKeys: false,
        prettyErrors: false,
      });
      for (const { message, pos } of [...document.errors, ...document.warnings]) {
        this.mistake(`this is not YAML: ${message}`, pos);
      }
      return document.errors.length > 0 ? undefined : document;
    } catch (thrown) {
      // yaml recurses into what is nested
      if (!(thrown instanceof RangeError)) throw thrown;
      this.mistake('this is nested too deeply', [0, 0]);
      return undefined;
    }
  }
}

const MAX_DEPTH = 100;
const MAX_SPOTS = 100_000;

/** What is meant by it; an empty value has no place of its own. */
function rangeOf(node: Node | null): readonly [number, number] | undefined {
  const range = node?.range;
  if (range === undefined || range === null || range[0] === range[1]) return undefined;
  return [range[0], range[1]];
}

import { isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Node, Pair } from 'yaml';
import type { Place } from './diagnostic.ts';
import type { Mention } from './mention.ts';
import type { Beside, YamlFile } from './yaml-file.ts';

export type SpotKind = 'text' | 'number' | 'boolean' | 'nothing' | 'list' | 'mapping';

/** One `key: value` of a mapping; both know where they stand. */
export interface Entry {
  readonly name: string;
  readonly key: YamlValue;
  readonly value: YamlValue;
}

/**
 * One value in a YAML file: what it is, what is in it, and where it stands. Aliases and merge keys are followed, and
 * what comes through one stands where its anchor is. Mistakes are collected in the file that it belongs to.
 */
export class YamlValue {
  readonly #file: YamlFile;
  readonly #node: Node | null;
  readonly #range: readonly [number, number];
  readonly #depth: number;
  readonly #broken: boolean;

  constructor(
    file: YamlFile,
    options: { node: Node | null; range: readonly [number, number]; depth: number; broken?: boolean },
  ) {
    this.#file = file;
    this.#node = options.node;
    this.#range = options.range;
    this.#depth = options.depth;
    this.#broken = options.broken ?? false;
  }

  get place(): Place {
    return this.#file.placeOf(this.#range[0]);
  }

  get kind(): SpotKind {
    if (isMap(this.#node)) return 'mapping';
    if (isSeq(this.#node)) return 'list';
    const value: unknown = isScalar(this.#node) ? this.#node.value : null;
    if (typeof value === 'string') return 'text';
    if (typeof value === 'number' || typeof value === 'bigint') return 'number';
    return typeof value === 'boolean' ? 'boolean' : 'nothing';
  }

  /** A text, or the very characters of a number: `1.10` stays `1.10`. Undefined for all else. */
  get text(): string | undefined {
    if (!isScalar(this.#node)) return undefined;
    if (typeof this.#node.value === 'string') return this.#node.value;
    return this.kind === 'number' ? (this.#node.source ?? String(this.#node.value)) : undefined;
  }

  /** Whether it stands there without quotes, and not as a block. */
  get unquoted(): boolean {
    return isScalar(this.#node) && this.#node.type === 'PLAIN';
  }

  get scalar(): string | number | boolean | null {
    const value: unknown = isScalar(this.#node) ? this.#node.value : null;
    if (typeof value === 'bigint') return Number(value);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null;
  }

  /** Of a list; empty for all else. */
  get items(): readonly YamlValue[] {
    if (!isSeq(this.#node)) return [];
    return this.#node.items.map((item) => this.#child(item, this.#range));
  }

  /** Of a mapping, merged ones among them, in the order in which JSON shows them; empty for all else. */
  get entries(): readonly Entry[] {
    if (!isMap(this.#node)) return [];
    const own = new Map<string, Entry>();
    const all = new Map<string, Entry>();
    for (const pair of this.#node.items) {
      if (isMergeKey(pair)) {
        for (const entry of this.#merged(pair)) if (!all.has(entry.name)) all.set(entry.name, entry);
        continue;
      }
      const entry = this.#entry(pair);
      if (entry === undefined) continue;
      const first = own.get(entry.name);
      if (first !== undefined) {
        entry.key.mistake(`"${entry.name}" stands here twice; the first is in line ${first.key.place.line}`);
        continue;
      }
      own.set(entry.name, entry);
      all.set(entry.name, entry);
    }
    return [...all.values()];
  }

  /** What it is, for messages: `a list`, `"web"`, `nothing`. */
  describe(): string {
    if (this.kind === 'mapping' || this.kind === 'list') return `a ${this.kind}`;
    if (this.kind === 'nothing') return 'nothing';
    return this.kind === 'text' ? JSON.stringify(this.text) : String(this.scalar);
  }

  /**
   * Notes a mistake here, or at `snippet` within; returns undefined, which is what a reader then returns. `order`: of the
   * mention that is wrong, where that shows only later.
   */
  mistake(message: string, snippet?: string, order?: number): undefined {
    // what could not be read at all was reported already
    if (!this.#broken) this.#file.mistake(message, this.#narrow(snippet), order);
    return undefined;
  }

  /** Notes what is named here, for references to be checked once all of the file was read. */
  mention(mention: Mention): void {
    this.#file.mention(mention, this);
  }

  /** The bytes of a file beside the one that this stands in. */
  beside(path: string): ReturnType<Beside> {
    return this.#file.beside(path);
  }

  wants(wanted: string): undefined {
    return this.mistake(`wanted ${wanted}; got ${this.describe()}`);
  }

  #narrow(snippet: string | undefined): readonly [number, number] {
    if (snippet === undefined) return this.#range;
    const [start, end] = this.#range;
    const offset = this.#file.text.slice(start, end).indexOf(snippet);
    return offset < 0 ? this.#range : [start + offset, start + offset + snippet.length];
  }

  #entry(pair: Pair): Entry | undefined {
    const key = this.#child(pair.key, this.#range);
    const name = key.text ?? (key.kind === 'boolean' ? String(key.scalar) : undefined);
    if (name === undefined) return key.mistake(`wanted a text as key; got ${key.describe()}`);
    return { name, key, value: this.#child(pair.value, key.#range) };
  }

  #merged(pair: Pair): readonly Entry[] {
    const value = this.#child(pair.value, this.#range);
    if (value.kind === 'mapping') return value.entries;
    if (value.kind === 'list' && value.items.every(({ kind }) => kind === 'mapping')) {
      return value.items.flatMap(({ entries }) => entries);
    }
    value.mistake(`"<<" merges a mapping, or a list of them; got ${value.describe()}`);
    return [];
  }

  /** A value that is left out is where its key (or list) is. */
  #child(value: unknown, parent: readonly [number, number]): YamlValue {
    return this.#file.spot(isNode(value) ? value : null, { fallback: parent, depth: this.#depth + 1 });
  }
}

function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'));
}

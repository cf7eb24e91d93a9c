import { isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Node, Pair } from 'yaml';
import type { Place } from './diagnostic.ts';
import type { Mention } from './mention.ts';
import type { Beside, YamlFile } from './yaml-file.ts';

export type SpotKind = 'text' | 'number' | 'boolean' | 'nothing' | 'list' | 'mapping';

/** One `key: value` of a mapping. Both know their place. */
export interface Entry {
  readonly name: string;
  readonly key: YamlValue;
  readonly value: YamlValue;
}

/**
 * One value in a YAML file: its kind, its content and its place. Aliases and merge keys are resolved; a value from one
 * has the place of its anchor. Mistakes are collected in the file of the value.
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

  /** A text, or the exact characters of a number: `1.10` stays `1.10`. Undefined for all others. */
  get text(): string | undefined {
    if (!isScalar(this.#node)) return undefined;
    if (typeof this.#node.value === 'string') return this.#node.value;
    return this.kind === 'number' ? (this.#node.source ?? String(this.#node.value)) : undefined;
  }

  /** Whether it is written without quotes, and not as a block. */
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

  /** Of a list; empty for all others. */
  get items(): readonly YamlValue[] {
    if (!isSeq(this.#node)) return [];
    return this.#node.items.map((item) => this.#child(item, this.#range));
  }

  /** Of a mapping, including merged entries, in the order of JSON; empty for all others. */
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

  /** Its kind or value for messages: `a list`, `"web"`, `nothing`. */
  describe(): string {
    if (this.kind === 'mapping' || this.kind === 'list') return `a ${this.kind}`;
    if (this.kind === 'nothing') return 'nothing';
    return this.kind === 'text' ? JSON.stringify(this.text) : String(this.scalar);
  }

  /**
   * Notes a mistake here, or at `snippet` within the value. Returns undefined, which the reader then returns. `order`:
   * that of the wrong mention, if the mistake is only found later.
   */
  mistake(message: string, snippet?: string, order?: number): undefined {
    // a value that could not be read at all was already reported
    if (!this.#broken) this.#file.mistake(message, this.#narrow(snippet), order);
    return undefined;
  }

  /** Records a mention, so that references can be checked after the complete file was read. */
  mention(mention: Mention): void {
    this.#file.mention(mention, this);
  }

  /** The bytes of a file next to the file of this value. */
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

  /** A missing value has the place of its key (or list). */
  #child(value: unknown, parent: readonly [number, number]): YamlValue {
    return this.#file.spot(isNode(value) ? value : null, { fallback: parent, depth: this.#depth + 1 });
  }
}

function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'));
}

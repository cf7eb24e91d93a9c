import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import type { JsonValue } from '../../core/content.ts';

/** A block is closed when it has this many characters. A browser reads a complete block to show one run in it. */
const BLOCK_CHARACTERS = 160_000;
/** A shorter text takes less space inline than a reference to it. */
const SHORTEST_SHARED = 32;
/** The report remembers the places of this many different texts. Further ones are stored inline. */
const MOST_SHARED = 300_000;
/** A longer text is identified by its hash, because 300,000 long ones do not fit in memory. */
const LONGEST_KEY = 64;
/** This many characters of rows are one block. A browser reads all of them for the first screen. */
const ROWS_CHARACTERS = 500_000;

/** The place of a value in the report. */
export type Place = readonly [block: number, place: number];

export interface Blocks {
  /** The characters of all blocks that are written so far. */
  size(): number;
  /** Adds a value to the open block of details, and writes that block when it is full. */
  add(value: object): Place;
  /** Writes everything that is still open, the rows in blocks, and a last block `index` with this value. */
  end(index: object, rows: Iterable<object>): void;
}

/**
 * Compressed data in an HTML page. Each block is an element of a type that no browser executes. It contains gzip in
 * base64, so that its content cannot end the element or start another one. `details-N` is a list of values. In them, `{
 * "$": n }` stands for shared text number n. The shared texts are in `texts-N`, a list of texts each, in order. Each
 * text is stored once, however many runs have it. The rows of the index are in `rows-N`, lists that are read one after
 * the other.
 */
export function createBlocks(writeHtml: (html: string) => void): Blocks {
  let size = 0;
  const write = (html: string): void => {
    size += html.length;
    writeHtml(html);
  };
  const details = createList('details', { write, characters: BLOCK_CHARACTERS });
  const texts = createList('texts', { write, characters: BLOCK_CHARACTERS });
  const known = new Map<string, number>();

  const reference = (text: string): JsonValue => {
    if (text.length < SHORTEST_SHARED) return text;
    const key = text.length > LONGEST_KEY ? createHash('sha256').update(text).digest('base64') : text;
    const at = known.get(key);
    if (at !== undefined) return { $: at };
    if (known.size >= MOST_SHARED) return text;
    const next = known.size;
    known.set(key, next);
    texts.add(JSON.stringify(text));
    return { $: next };
  };

  return {
    size: () => size,
    add: (value) =>
      details.add(
        JSON.stringify(value, (_, one: unknown) => (typeof one === 'string' ? reference(one) : one)),
      ),
    end(index, rows) {
      details.close();
      texts.close();
      const list = createList('rows', { write, characters: ROWS_CHARACTERS });
      for (const row of rows) list.add(JSON.stringify(row));
      list.close();
      const more = { texts: texts.starts, rowBlocks: list.starts.length };
      write(blockOf('index', JSON.stringify({ ...index, ...more })));
    },
  };
}

/** A list that is written in blocks of about this many characters. */
function createList(
  name: string,
  { write, characters: most }: { readonly write: (html: string) => void; readonly characters: number },
) {
  const starts: number[] = [];
  let items: string[] = [];
  let characters = 0;
  let total = 0;
  const close = (): void => {
    if (items.length === 0) return;
    write(blockOf(`${name}-${starts.length}`, `[${items.join(',')}]`));
    starts.push(total);
    total += items.length;
    items = [];
    characters = 0;
  };
  return {
    /** for each closed block, the number of items before it */
    starts,
    add(json: string): Place {
      const place = [starts.length, items.length] as const;
      items.push(json);
      characters += json.length;
      if (characters >= most) close();
      return place;
    },
    close,
  };
}

const blockOf = (id: string, json: string): string =>
  `<script type="application/octet-stream;base64" id="${id}">${gzipSync(json).toString('base64')}</script>\n`;

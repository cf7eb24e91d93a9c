import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** This many characters are compressed together. */
const BLOCK_CHARACTERS = 256 * 1024;

/**
 * A text that is built piece by piece and written at the end, for reports that start with totals. It is kept
 * compressed: the XML of 100,000 runs takes 100 MiB uncompressed and 2 MiB compressed.
 */
export class PackedText {
  readonly #blocks: Uint8Array[] = [];
  #open: string[] = [];
  #characters = 0;

  add(text: string): void {
    this.#open.push(text);
    this.#characters += text.length;
    if (this.#characters >= BLOCK_CHARACTERS) this.#close();
  }

  /** Writes everything that was added, in order, in pieces. */
  writeTo(write: (text: string) => void): void {
    this.#close();
    for (const block of this.#blocks) write(inflateRawSync(block).toString('utf8'));
  }

  #close(): void {
    if (this.#open.length === 0) return;
    this.#blocks.push(deflateRawSync(this.#open.join(''), { level: 1 }));
    this.#open = [];
    this.#characters = 0;
  }
}

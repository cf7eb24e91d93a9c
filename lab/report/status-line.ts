import { shown } from '../core/shown.ts';
import type { Screen } from './reporter.ts';

/** The last line of a terminal, redrawn in place below what stays; elsewhere it does not exist. */
export class StatusLine {
  readonly #screen: Screen;
  #shown = '';
  #afterBlank = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Writes lines that stay and are safe, above the status; one blank line is enough between them. */
  print(lines: readonly string[]): void {
    const status = this.#shown;
    this.show('');
    const before = this.#afterBlank ? '' : undefined;
    const told = lines.filter(
      (line, index) => line !== '' || (index === 0 ? before : lines[index - 1]) !== '',
    );
    this.#afterBlank = lines.at(-1) === '';
    this.#screen.draw(told.map((line) => `${line}\n`).join(''));
    this.show(status);
  }

  show(text: string): void {
    if (!this.#screen.isTerminal) return;
    const fitting = [...shown(text).replaceAll('\n', ' ')]
      .slice(0, Math.max(0, this.#screen.columns - 1))
      .join('');
    if (fitting === this.#shown) return;
    this.#screen.draw(`\r\u001b[2K${fitting}`);
    this.#shown = fitting;
  }
}

import { shown } from '../core/content.ts';
import type { Screen } from './reporter.ts';
import type { Clock } from '../core/ports.ts';

/**
 * The last line of a terminal, redrawn in place below permanent output. If the output is not a terminal, there is no
 * status line.
 */
export class StatusLine {
  readonly #screen: Screen;
  #shown = '';
  #afterBlank = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /**
   * Writes permanent lines above the status. The lines must be safe to display. Consecutive blank lines are reduced to
   * one.
   */
  print(lines: readonly string[]): void {
    const status = this.#shown;
    this.show('');
    const before = this.#afterBlank ? '' : undefined;
    const shownLines = lines.filter(
      (line, index) => line !== '' || (index === 0 ? before : lines[index - 1]) !== '',
    );
    this.#afterBlank = lines.at(-1) === '';
    this.#screen.draw(shownLines.map((line) => `${line}\n`).join(''));
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

export interface SlowWorkOptions {
  readonly clock: Clock;
  readonly shownOn: keyof typeof AGAIN_MS;
  /** called when something has taken more than a second, and repeatedly after that */
  readonly onSlow: (text: string) => void;
}

interface Work {
  how: string;
  /** when work on it started */
  startedMs: number;
  waiting: boolean;
  announced: boolean;
  readonly over: AbortController;
}

const FIRST_MS = 1000;
/** A terminal redraws the status line. Elsewhere each status is a separate line, so they are written less often. */
const AGAIN_MS = { terminal: 1000, plain: 20_000 } as const;

interface WorkNews {
  readonly what: string;
  readonly how: string;
  readonly done: boolean;
  readonly waiting?: boolean;
}

/** Work in progress, such as downloads and builds. Only long work gets a line. */
export class SlowWork {
  readonly #options: SlowWorkOptions;
  readonly #work = new Map<string, Work>();

  constructor(options: SlowWorkOptions) {
    this.#options = options;
  }

  /** Takes the newest progress of some work. Returns the text for its end, if the work was announced before. */
  add({ what, how, done, waiting = false }: WorkNews): string | undefined {
    const work = this.#work.get(what);
    if (done) {
      this.#work.delete(what);
      work?.over.abort();
      return work?.announced === true ? this.#line(what, { ...work, how }) : undefined;
    }
    if (work === undefined) {
      void this.#follow(what, { how, waiting });
      return undefined;
    }
    if (work.waiting && !waiting) work.startedMs = this.#options.clock.now();
    Object.assign(work, { how, waiting });
    return undefined;
  }

  /** The current work, for a status line. */
  current(): readonly string[] {
    const active = [...this.#work].filter(([, { waiting }]) => !waiting);
    const lines = active.map(([what, { how }]) => `${what}: ${how}`);
    return this.#waiting() === '' ? lines : [...lines, this.#waiting()];
  }

  end(): void {
    for (const { over } of this.#work.values()) over.abort();
    this.#work.clear();
  }

  /** Work that only waits is counted, because a list of it would hide the work in progress. */
  #waiting(): string {
    const waiting = [...this.#work.values()].filter((work) => work.waiting).length;
    return waiting === 0 ? '' : `${waiting} more ${waiting === 1 ? 'waits' : 'wait'}`;
  }

  async #follow(what: string, { how, waiting }: Pick<Work, 'how' | 'waiting'>): Promise<void> {
    const { clock, onSlow, shownOn } = this.#options;
    const work: Work = {
      how,
      waiting,
      startedMs: clock.now(),
      announced: false,
      over: new AbortController(),
    };
    this.#work.set(what, work);
    try {
      for (let waitMs = FIRST_MS; ; waitMs = AGAIN_MS[shownOn]) {
        await clock.sleep(waitMs, work.over.signal);
        if (this.#work.get(what) !== work) return;
        if (work.waiting) continue;
        work.announced = true;
        const waits = this.#waiting();
        onSlow(`${this.#line(what, work)}${waits === '' ? '' : `, ${waits}`}`);
      }
    } catch {
      // aborted: the work is done, or the session is over
    }
  }

  #line(what: string, { how, startedMs }: Work): string {
    return `${what}: ${how} (${Math.round((this.#options.clock.now() - startedMs) / 1000)} s)`;
  }
}

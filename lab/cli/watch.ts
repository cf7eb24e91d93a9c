import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';

import { findScenarios } from '../assembly/find-scenarios.ts';
import { readPins } from '../assembly/open-artifacts.ts';
import type { FilesRead } from '../assembly/plan-files.ts';
import { filesOf, selectPlan, touches } from '../assembly/selection.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import { count } from '../core/amounts.ts';
import { shown } from '../core/content.ts';
import { BadInput, LabError, messageOf } from '../core/lab-error.ts';
import { nameFiles, watchFiles } from '../host/watch-files.ts';
import type { Plan, RunPlan } from '../plan/plan.ts';
import { runKey, selectRuns } from '../plan/select-runs.ts';
import type { Reporter } from '../report/reporter.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';
import { listenForInterruption } from './interruption.ts';
import { runRecorded } from './run.ts';

/** What is run next. */
type Round =
  | { readonly kind: 'all' }
  /** the runs that did not pass last time */
  | { readonly kind: 'failed' }
  | { readonly kind: 'changed'; readonly hostPaths: ReadonlySet<string> };

const KEYS = 'a: all, f: those that did not pass, enter: the same again, q: end';

/**
 * `cnilab run --watch`: runs everything once, then what a change of a file affects, until the user ends it. Mistakes in
 * a file are reported, and watching continues. Each round is a separate session. A change or a key during a round takes
 * effect after the runs that have started. The exit code is that of the last round.
 */
export async function watchCommand(world: World, names: readonly string[], flags: RunFlags): Promise<number> {
  const { update, keep, shard, lastFailed, onlyChanged } = flags;
  const others = Object.entries({
    update,
    keep,
    shard,
    'last-failed': lastFailed,
    'only-changed': onlyChanged,
  });
  const [other] = others.find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw new BadInput(`--watch goes without --${other}`);

  const quit = new AbortController();
  const interrupted = listenForInterruption(world, () => undefined);
  const signal = AbortSignal.any([interrupted.signal, quit.signal]);
  setMaxListeners(0, signal);
  const interruption = { ...interrupted, signal, by: () => interrupted.by() ?? 'q' };
  const requests = new Requests();
  const files = watchFiles((hostPaths) => requests.add({ kind: 'changed', hostPaths }));
  const endKeys = listenForKeys(world, {
    a: () => requests.add({ kind: 'all' }),
    f: () => requests.add({ kind: 'failed' }),
    '\r': () => requests.add(last),
    '\n': () => requests.add(last),
    q: () => quit.abort('q'),
  });
  const known = new Known(world);
  let last: Round = { kind: 'all' };
  let exitCode: number = EXIT.pass;
  try {
    for (let round: Round | undefined = last; round !== undefined; round = await requests.next(signal)) {
      const wanted = await known.namesFor(round, names);
      if (wanted === undefined) continue;
      last = round;
      if (round.kind === 'changed') world.out.write(`\n${shown(nameFiles(round.hostPaths))} changed\n`);
      const outcomes: Reporter = { name: 'watch', on: known.add, end: () => undefined };
      const readAtMs = world.clock.date().getTime();
      try {
        const reporters = [...(await createReporters(world, flags)), outcomes];
        const plan = async (): Promise<Plan> => {
          const options = {
            flags,
            pins: readPins(world),
            note: (text: string) => world.err.write(`${text}\n`),
          };
          const onRead = (filesRead: FilesRead): void => known.read(filesRead);
          const whole = await selectPlan(world, { ...options, names: wanted, onRead });
          known.planned(whole.runs);
          return known.select(whole, round);
        };
        const stopStarting = requests.waiting;
        ({ exitCode } = await runRecorded(world, names, flags, {
          plan,
          reporters,
          interruption,
          stopStarting,
        }));
      } catch (thrown) {
        if (signal.aborted) break;
        if (!(thrown instanceof BadInput) && !(thrown instanceof LabError)) throw thrown;
        if (known.count === 0) throw thrown; // no change of a file could help
        exitCode = thrown instanceof BadInput ? EXIT.badInput : EXIT.inconclusive;
        world.err.write(`cnilab: ${messageOf(thrown)}\n`);
      }
      files.follow(known.all(), readAtMs);
      if (!signal.aborted)
        world.out.write(
          `watching ${count(known.count, 'scenario file')}${endKeys === undefined ? '' : `; ${KEYS}`}\n`,
        );
    }
    return interrupted.exitCode() ?? exitCode;
  } finally {
    files.close();
    endKeys?.();
  }
}

/** Requests for rounds that have not started. Changes are combined, and a key replaces them. */
class Requests {
  #next: Round | undefined;
  #waiting = new AbortController();

  add(round: Round): void {
    const before = this.#next;
    this.#next =
      round.kind === 'changed' && before?.kind === 'changed'
        ? { kind: 'changed', hostPaths: new Set([...before.hostPaths, ...round.hostPaths]) }
        : before?.kind === 'all'
          ? before
          : round;
    this.#waiting.abort();
  }

  /** aborted as soon as there is a request */
  get waiting(): AbortSignal {
    return this.#waiting.signal;
  }

  /** Undefined after the signal was aborted. */
  async next(signal: AbortSignal): Promise<Round | undefined> {
    const either = AbortSignal.any([signal, this.waiting]);
    if (!either.aborted)
      await new Promise<void>((done) => either.addEventListener('abort', () => done(), { once: true }));
    if (signal.aborted) return undefined;
    const round = this.#next;
    this.#next = undefined;
    this.#waiting = new AbortController();
    return round;
  }
}

/** What is known about the watched scenarios. */
class Known {
  readonly #world: World;
  /** the file of a scenario, absolute → everything that is read from this host for it */
  readonly #files = new Map<string, Set<string>>();
  /** runs that did not pass last time, by title */
  readonly #wrong = new Map<string, RunPlan>();

  constructor(world: World) {
    this.#world = world;
  }

  get count(): number {
    return this.#files.size;
  }

  all(): ReadonlySet<string> {
    return new Set([...this.#files.values()].flatMap((own) => [...own]));
  }

  /** The scenario files of a round; undefined if it has none. */
  async namesFor(round: Round, names: readonly string[]): Promise<readonly string[] | undefined> {
    if (round.kind === 'all') return names;
    if (round.kind === 'failed') {
      const failed = new Set([...this.#wrong.values()].map((run) => this.#fileOf(run)));
      if (failed.size === 0) this.#world.out.write('every run passed the last time\n');
      return failed.size === 0 ? undefined : [...failed];
    }
    const touched = [...this.#files]
      .filter(([, own]) => touches(round.hostPaths, [...own]))
      .map(([file]) => file);
    const added = await this.#newFiles(round.hostPaths, names);
    return touched.length + added.length === 0 ? undefined : [...touched, ...added];
  }

  select(plan: Plan, round: Round): Plan {
    if (round.kind !== 'failed') return plan;
    return selectRuns(plan, { keys: new Set([...this.#wrong.values()].map(runKey)) });
  }

  read(filesRead: FilesRead): void {
    for (const [file, own] of filesRead)
      this.#files.set(file, new Set([...(this.#files.get(file) ?? []), ...own]));
  }

  planned(runs: readonly RunPlan[]): void {
    for (const run of runs) {
      const own = this.#files.get(this.#fileOf(run));
      for (const hostPath of filesOf(run, { world: this.#world, filesRead: this.#files })) own?.add(hostPath);
    }
  }

  readonly add: Reporter['on'] = (event) => {
    if (event.kind !== 'run-ended') return;
    if (event.verdict.outcome === 'pass') this.#wrong.delete(event.run.title);
    else this.#wrong.set(event.run.title, event.run);
  };

  #fileOf(run: RunPlan): string {
    return resolve(this.#world.cwd, run.scenario.place.file);
  }

  /** New files among the changed ones that match the names on the command line. */
  async #newFiles(changed: ReadonlySet<string>, names: readonly string[]): Promise<readonly string[]> {
    if (![...changed].some((hostPath) => /\.ya?ml$/.test(hostPath) && !this.#files.has(hostPath))) return [];
    try {
      const found = await findScenarios(names, this.#world);
      return found
        .map(({ hostPath }) => hostPath)
        .filter((hostPath) => changed.has(hostPath) && !this.#files.has(hostPath));
    } catch (thrown) {
      if (thrown instanceof BadInput) return []; // a name that currently matches nothing
      throw thrown;
    }
  }
}

/** Handles single keys if there is a terminal. Returns a function that ends this. */
function listenForKeys(world: World, keys: Readonly<Record<string, () => void>>): (() => void) | undefined {
  if (!world.out.isTerminal) return undefined;
  const { input } = world.terminal;
  if (input.isTTY !== true) return undefined;
  const pressed = (bytes: Buffer): void => {
    for (const key of bytes.toString('utf8')) {
      if (key === CTRL_C)
        process.kill(process.pid, 'SIGINT'); // a terminal in raw mode sends no signal
      else if (Object.hasOwn(keys, key)) keys[key]?.();
    }
  };
  input.setRawMode(true);
  input.on('data', pressed);
  input.resume();
  return () => {
    input.off('data', pressed);
    input.setRawMode(false);
    input.pause();
  };
}

const CTRL_C = '\u0003';

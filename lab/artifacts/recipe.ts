import type { Result } from '../core/result.ts';
import type { SourceName, ComponentName, ComponentRef } from '../core/components.ts';

/** Why a source does not serve. */
export interface Refusal {
  readonly source: SourceName | 'own';
  /**
   * not-there: the source was asked and has no such version
   * not-here: the source cannot work on this host (a tool is missing, not Debian)
   * unreachable: it could not be asked, so nothing is known
   * broken: it has the version, and what came is wrong or does not build
   */
  readonly reason: 'not-there' | 'not-here' | 'unreachable' | 'broken';
  readonly why: string;
  /** what would make it serve */
  readonly wayOut?: string;
}

export interface Made {
  /** how it was made, for the journal */
  readonly madeBy: string;
  /** what whoever reads a report must know of it: without seccomp */
  readonly note?: string;
}

/** What a recipe is given while it works. */
export interface Job {
  readonly signal: AbortSignal;
  /** a folder for its temporary files, removed afterwards */
  readonly scratchHostPath: string;
  readonly progress: (step: string, bytes?: { readonly done: number; readonly total?: number }) => void;
}

/** One way to make one artifact. */
export interface Recipe {
  readonly source: SourceName | 'own';
  readonly name: string;
  readonly version: string;
  /**
   * Everything that decides the result, as canonical JSON: under this the cache remembers it. What can only be known by
   * running something (the compiler's version) stays out, so that a warm look costs no child process.
   */
  readonly request: string;
  /** Looks, at little cost, whether `make` could work; absent where only trying tells. */
  check?(signal: AbortSignal): Promise<Refusal | undefined>;
  /** Fills the empty folder `treeHostPath` with the artifact's files. */
  make(treeHostPath: string, job: Job): Promise<Result<Made, Refusal>>;
}

/** A place that components come from. */
export interface Source {
  readonly name: SourceName;
  /** How this source would make it; or why it never will. Touches nothing but this host's disk, and costs no process. */
  recipe(ref: ComponentRef): Result<Recipe, Refusal>;
  /** Why it cannot serve anything on this host just now, if so; for `doctor`. */
  check(signal: AbortSignal): Promise<Refusal | undefined>;
  /** Every version that the source itself tells of when asked; for people, and for "the nearest that exist". */
  versions(component: ComponentName, signal: AbortSignal): Promise<Result<readonly string[], Refusal>>;
}

import type { Result } from '../../core/result.ts';
import type { ComponentName, ComponentRef, SourceName } from '../../core/components.ts';
import type { Recipe, Refusal } from '../recipe.ts';

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

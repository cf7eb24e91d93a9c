import { mapped, type Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';

/**
 * What a text may refer to. `matrix`: axes only, for what is fixed before anything runs. `step`: also pods and
 * containers of earlier steps. `expectation`: also those of this step, and captures.
 */
export type Reach = 'matrix' | 'step' | 'expectation';

export interface AxisValue {
  readonly text: string;
  /** a number, true or false, without quotes */
  readonly plain: boolean;
  readonly spot: YamlValue;
}

/** What steps make, and what later ones refer to by name. */
export type Subject = 'pod' | 'container';

/**
 * What is read at a place and means something for other places: a name that is given, or one that is referred to. Reading a
 * file notes them in its order; `checkReferences` holds them against each other afterwards.
 */
export type Mention =
  | { readonly kind: 'axis'; readonly axis: string; readonly values: readonly AxisValue[] }
  | { readonly kind: 'declared-pod'; readonly name: string }
  /** the nodes of the file, where there are several */
  | { readonly kind: 'nodes'; readonly names: readonly string[] }
  /** these nodes are a cluster */
  | { readonly kind: 'cluster' }
  /** one of its nodes */
  | { readonly kind: 'node-name'; readonly name: string }
  /** what is read from here on is about the cluster, and taken on its control plane */
  | { readonly kind: 'on-cluster'; readonly what: string }
  /** what is read from here on is about this node, or does not say which */
  | { readonly kind: 'on'; readonly node: string | undefined; readonly what: string }
  /** a step begins */
  | { readonly kind: 'step'; readonly verb: string }
  /** all steps could be read: what is not known by now never will be */
  | { readonly kind: 'steps-read' }
  /** what holds at the end of the file begins */
  | { readonly kind: 'end' }
  | { readonly kind: 'made'; readonly what: Subject; readonly name: string }
  | { readonly kind: 'used'; readonly what: Subject; readonly name: string }
  /** the step that begins goes on in the background under this name */
  | { readonly kind: 'background'; readonly name: string }
  /** one that does is waited for, or killed */
  | { readonly kind: 'background-end'; readonly name: string }
  /** a step begins that is started together with those before and after it, and after the last of them */
  | { readonly kind: 'together' | 'together-end' }
  /** a listener that can be killed under this name */
  | { readonly kind: 'listener'; readonly name: string }
  /** a step in the background, or a listener, is killed */
  | { readonly kind: 'killed'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string; readonly reach: Reach }
  /** a part of a text that is to be found in another */
  | { readonly kind: 'part'; readonly text: string }
  /** an axis whose values are versions */
  | { readonly kind: 'version-axis'; readonly axis: string }
  /** an axis whose values become JSON as they are written, or TOML by way of this program's own numbers */
  | { readonly kind: 'number-axis'; readonly axis: string; readonly numbers: NumbersKept }
  | { readonly kind: 'when-name'; readonly name: string }
  | { readonly kind: 'when-range'; readonly name: string; readonly range: string }
  /** a plugin that is replaced or taken away */
  | { readonly kind: 'plugin'; readonly name: string }
  /** a configuration that is taken away; one that nothing in the file writes may still be the runtime's own */
  | { readonly kind: 'removed-config'; readonly name: string }
  /** a text that is taken as it stands, and that may name plugins and files */
  | { readonly kind: 'words'; readonly text: string };

/** JSON is written as the file has it; what becomes TOML goes through this program's own numbers. */
export type NumbersKept = 'as written' | 'doubles';

/** A mention with its place; `order` counts mentions and mistakes of a file as they are read. */
export interface Mentioned {
  readonly mention: Mention;
  readonly spot: YamlValue;
  readonly order: number;
}

/** A shape whose value refers to something, or gives it a name. */
export const mentioning = <T>(shape: Shape<T>, mention: (value: T) => Mention): Shape<T> =>
  mapped(shape, (value, spot) => {
    spot.mention(mention(value));
    return value;
  });

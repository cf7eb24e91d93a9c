import { mapped, type Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';

/**
 * What a text may refer to. `matrix`: only axes, for values that are fixed before anything runs. `step`: also pods and
 * containers of earlier steps. `expectation`: also those of this step, and captures.
 */
export type Reach = 'matrix' | 'step' | 'expectation';

export interface AxisValue {
  readonly text: string;
  /** a number, true or false, without quotes */
  readonly plain: boolean;
  readonly spot: YamlValue;
}

/** What steps create, and later steps refer to by name. */
export type Subject = 'pod' | 'container';

/**
 * Something in a file that affects other places: a name that is defined, or a reference to one. Reading a file records
 * all mentions in order. Afterwards `checkReferences` compares them.
 */
export type Mention =
  | { readonly kind: 'axis'; readonly axis: string; readonly values: readonly AxisValue[] }
  | { readonly kind: 'declared-pod'; readonly name: string }
  /** the nodes of the file, if there are several */
  | { readonly kind: 'nodes'; readonly names: readonly string[] }
  /** these nodes are a cluster */
  | { readonly kind: 'cluster' }
  /** one of its nodes */
  | { readonly kind: 'node-name'; readonly name: string }
  /** what is read from here on is about the cluster, and taken on its control plane */
  | { readonly kind: 'on-cluster'; readonly what: string }
  /** what is read from here on is about this node, or does not say which */
  | { readonly kind: 'on'; readonly node: string | undefined; readonly what: string }
  /** a step starts */
  | { readonly kind: 'step'; readonly verb: string }
  /** all steps were read: a name that is not known now is never defined */
  | { readonly kind: 'steps-read' }
  /** the expectations at the end of the file start */
  | { readonly kind: 'end' }
  | { readonly kind: 'made'; readonly what: Subject; readonly name: string }
  | { readonly kind: 'used'; readonly what: Subject; readonly name: string }
  /** the current step runs in the background with this name */
  | { readonly kind: 'background'; readonly name: string }
  /** a background step is waited for, or killed */
  | { readonly kind: 'background-end'; readonly name: string }
  /** a step of a `parallel` starts, or the `parallel` ends */
  | { readonly kind: 'together' | 'together-end' }
  /** a listener that can be killed by this name */
  | { readonly kind: 'listener'; readonly name: string }
  /** a background step or a listener is killed */
  | { readonly kind: 'killed'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string; readonly reach: Reach }
  /** a part of a text that must be found in another text */
  | { readonly kind: 'part'; readonly text: string }
  /** an axis whose values are versions */
  | { readonly kind: 'version-axis'; readonly axis: string }
  /** an axis whose values become JSON as they are written, or TOML through the numbers of this program */
  | { readonly kind: 'number-axis'; readonly axis: string; readonly numbers: NumbersKept }
  | { readonly kind: 'when-name'; readonly name: string }
  | { readonly kind: 'when-range'; readonly name: string; readonly range: string }
  /** a plugin that is replaced or removed */
  | { readonly kind: 'plugin'; readonly name: string }
  /** a configuration that is removed; if nothing in the file writes it, it may still be the default of the runtime */
  | { readonly kind: 'removed-config'; readonly name: string }
  /** a literal text that may contain names of plugins and files */
  | { readonly kind: 'words'; readonly text: string };

/**
 * `as written`: JSON is written with the numbers of the file. `doubles`: TOML is written with the numbers of this
 * program.
 */
export type NumbersKept = 'as written' | 'doubles';

/** A mention and its place. `order` counts the mentions and mistakes of a file as they are read. */
export interface Mentioned {
  readonly mention: Mention;
  readonly spot: YamlValue;
  readonly order: number;
}

/** A shape whose value refers to something, or defines a name. */
export const mentioning = <T>(shape: Shape<T>, mention: (value: T) => Mention): Shape<T> =>
  mapped(shape, (value, spot) => {
    spot.mention(mention(value));
    return value;
  });

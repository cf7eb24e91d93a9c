import 'vitest'; // stays in the declarations, which add nothing to vitest's without it
import { expect } from 'vitest';

import type { CountedCall, ExpectedCall } from './library/plugin-calls.ts';
import { matchers, type ExpectedError, type ExpectedLeftBehind } from './library/matchers.ts';

/** What `import 'cnilab/vitest'` adds to vitest's `expect`. */
export interface CnilabMatchers {
  /**
   * The step, or the command, failed and said exactly this; what varies is written `${web.id}`, or `${NAME:id}` where
   * only its shape is known. A difference is shown with a pointer at the first character that differs.
   */
  toFailWith(expected: ExpectedError): Promise<void>;
  /** Nothing is on the node that was not there when it was up. Await it. */
  toLeaveNothingBehind(): Promise<void>;
  /** Exactly this is on the node that was not there when it was up: `{ netns: 1, ipam: ['net/10.88.0.2'] }`. Await it. */
  toLeaveBehind(kinds: ExpectedLeftBehind): Promise<void>;
  /**
   * Such a call of a plugin was made until now: `bridge ADD`, `bridge > host-local ADD`, or `{ plugin, verb, input, … }`; with
   * `times`, exactly so often. Of a node that was started `withRecordedCalls`, or of a pod on it: then of the calls for that pod.
   * Await it.
   */
  toHaveCalledPlugin(expected: string | CountedCall): Promise<void>;
  /** Each of these calls started later than the one before it; others may lie between them. Await it. */
  toHaveCalledPluginsInOrder(expected: readonly ExpectedCall[]): Promise<void>;
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- as vitest has it
  interface Assertion<T> extends CnilabMatchers {}
}

expect.extend(matchers);

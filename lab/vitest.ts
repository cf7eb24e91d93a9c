import 'vitest'; // must stay in the declarations, which otherwise add nothing to vitest
import { expect } from 'vitest';

import type { CountedCall, ExpectedCall } from './library/plugin-calls.ts';
import { matchers, type ExpectedError, type ExpectedLeftBehind } from './library/matchers.ts';

/** What `import 'cnilab/vitest'` adds to `expect` of vitest. */
export interface CnilabMatchers {
  /**
   * The step or command failed with exactly this error. A value that varies is written `${web.id}`, or `${NAME:id}` if
   * only its type is known. A difference is shown with a pointer at the first character that differs.
   */
  toFailWith(expected: ExpectedError): Promise<void>;
  /** Nothing is on the node that was not there when it had started. Must be awaited. */
  toLeaveNothingBehind(): Promise<void>;
  /**
   * Exactly this is on the node that was not there when it had started: `{ netns: 1, ipam: ['net/10.88.0.2'] }`. Must
   * be awaited.
   */
  toLeaveBehind(kinds: ExpectedLeftBehind): Promise<void>;
  /**
   * Such a plugin call was made: `bridge ADD`, `bridge > host-local ADD`, or `{ plugin, verb, input, … }`; with
   * `times`, exactly this often. For a node that was started `withRecordedCalls`, or for a pod on it, which only
   * includes the calls for that pod. Must be awaited.
   */
  toHaveCalledPlugin(expected: string | CountedCall): Promise<void>;
  /** Each of these calls started later than the previous one; others may be between them. Must be awaited. */
  toHaveCalledPluginsInOrder(expected: readonly ExpectedCall[]): Promise<void>;
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- as vitest has it
  interface Assertion<T> extends CnilabMatchers {}
}

expect.extend(matchers);

import 'vitest'; // stays in the declarations, which add nothing to vitest's without it
import { expect } from 'vitest';

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
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- as vitest has it
  interface Assertion<T> extends CnilabMatchers {}
}

expect.extend(matchers);

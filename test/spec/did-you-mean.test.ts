import { expect, test } from 'vitest';
import { didYouMean } from '../../lab/spec/diagnostic.ts';

test.each([
  ['run-pdo', '; did you mean "run-pod"?'],
  ['Stop-Pod', '; did you mean "stop-pod"?'],
  ['stop-pods', '; did you mean "stop-pod"?'],
  ['eat', ''],
  ['', ''],
])('%s', (word, hint) => {
  expect(didYouMean(word, ['run-pod', 'stop-pod', 'connect'])).toBe(hint);
});

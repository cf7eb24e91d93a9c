import { expect, test } from 'vitest';
import { unquoteGo } from '../../lab/core/logrus.ts';

// Each is the output of Go 1.26's strconv.Quote for the text beside it.
test.each([
  [String.raw`"plain"`, 'plain'],
  [String.raw`""`, ''],
  [String.raw`"name \"web\" is C:\\web"`, 'name "web" is C:\\web'],
  [String.raw`"\a\b\f\n\r\t\v"`, '\x07\b\f\n\r\t\v'],
  [String.raw`"\x00\x1b[31m\x7f"`, '\x00\x1b[31m\x7f'],
  [String.raw`"grüße, 世界 🙂"`, 'grüße, 世界 🙂'],
  [String.raw`"\u200b\U000e0001x"`, '\u200b\u{e0001}x'],
  [String.raw`"\xff"`, '\ufffd'],
  ['unquoted', 'unquoted'],
])('%s', (quoted, text) => {
  expect(unquoteGo(quoted)).toBe(text);
});

import { err, ok, type Result } from '../core/result.ts';
import type { Diagnostic } from './diagnostic.ts';
import { LIMITS } from './limits.ts';

/** The text of a scenario file, or why its bytes are none, at their place. */
export function fileText({ file, bytes }: { file: string; bytes: Uint8Array }): Result<string, Diagnostic> {
  if (bytes.length > LIMITS.fileBytes) {
    const message = `the file has ${bytes.length} bytes; a scenario file has at most ${LIMITS.fileBytes}`;
    return err({ place: { file, line: 1, column: 1 }, message });
  }
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return err(notUtf8({ file, bytes }));
  }
}

/** Read leniently, the first byte that is wrong shows as a replacement character. */
function notUtf8({ file, bytes }: { file: string; bytes: Uint8Array }): Diagnostic {
  const lines = new TextDecoder('utf-8').decode(bytes).split('\n');
  const encoded = splitLines(bytes);
  const index = encoded.findIndex((line) => !isUtf8(line));
  const line = (lines[index] ?? '').trimEnd();
  const column = line.indexOf('\ufffd') + 1 || 1;
  return {
    place: { file, line: index + 1, column },
    message: 'this is not UTF-8, which a scenario file has to be; save it as UTF-8',
    source: { text: line, length: 1 },
  };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let to = bytes.indexOf(NEWLINE); to >= 0; to = bytes.indexOf(NEWLINE, from)) {
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return [...lines, bytes.subarray(from)];
}

const NEWLINE = 10;

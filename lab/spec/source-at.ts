import type { Diagnostic, Place } from './diagnostic.ts';

/** The line at a place and how much of it is meant, for the squiggle: a quoted text, a bracketed group, a key with its value, or a word. */
export function sourceAt(text: string, place: Place): NonNullable<Diagnostic['source']> {
  const line = text.split('\n')[place.line - 1]?.trimEnd() ?? '';
  return { text: line, length: lengthOfToken(line.slice(place.column - 1)) };
}

/** A mistake at a place of a file whose text is at hand. */
export function mistakeAt(place: Place, { text, message }: { text: string; message: string }): Diagnostic {
  return { place, message, source: sourceAt(text, place) };
}

function lengthOfToken(rest: string): number {
  const quoted = /^(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")/.exec(rest);
  if (quoted !== null) return quoted[0].length;
  if (rest.startsWith('{') || rest.startsWith('[')) return lengthOfGroup(rest);
  const word = /^(?:\$\{[^}]*\}|[^\s,\]}#])+/.exec(rest)?.[0] ?? '';
  return word.endsWith(':') ? rest.length : Math.max(1, word.length);
}

function lengthOfGroup(rest: string): number {
  let depth = 0;
  for (const [index, character] of [...rest].entries()) {
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return rest.length;
}

import { err, ok, type Result } from '../core/lab-error.ts';

/** The possible values of a capture. Everything else in a text is exact, so a varying value needs a name and a type. */
export const CAPTURE_PATTERNS = {
  id: '[0-9a-f]{64}',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  ip: '(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)',
  number: '\\d+',
  hash: '[0-9a-f]+',
  word: '[^\\s"\']+',
} as const;
export type CaptureType = keyof typeof CAPTURE_PATTERNS;
export const CAPTURE_TYPES: readonly CaptureType[] = ['id', 'uuid', 'ip', 'number', 'hash', 'word'];

/** A part of a text of a scenario. `${matrix.AXIS}` and `${web.id}` are refs, `${NAME:TYPE}` is a capture. */
export type TemplatePart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'ref'; readonly name: string }
  | { readonly kind: 'capture'; readonly name: string; readonly type: CaptureType };

export interface TemplateProblem {
  readonly message: string;
  /** the wrong part, as it is written in the text */
  readonly snippet: string;
}

/** `$${` means a literal `${`. In front of a brace, `$$` is one dollar sign. */
const MARK = /(\$+)\{([^{}]*)(\}?)/g;
const REF = /^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)?$/i;
const CAPTURE = /^([a-z][a-z0-9-]*):([a-z0-9-]*)$/i;

/**
 * Splits a text into its parts, or reports everything that is wrong with it. Whether a name is defined is not checked
 * here.
 */
export function parseTemplate(text: string): Result<readonly TemplatePart[], readonly TemplateProblem[]> {
  const { parts, problems } = scanTemplate(text);
  return problems.length > 0 ? err(problems) : ok(parts);
}

/** Like `parseTemplate`, but also returns the valid parts of a text with problems. */
export function scanTemplate(text: string): {
  readonly parts: readonly TemplatePart[];
  readonly problems: readonly TemplateProblem[];
} {
  const parts: TemplatePart[] = [];
  const problems: TemplateProblem[] = [];
  let done = 0;
  for (let match = nextMark(text, 0); match !== null; match = nextMark(text, done)) {
    const [, dollars = '', inside = '', close = ''] = match;
    const literal = text.slice(done, match.index) + '$'.repeat(Math.floor(dollars.length / 2));
    if (dollars.length % 2 === 0) {
      parts.push({ kind: 'literal', text: `${literal}{` });
      done = match.index + dollars.length + 1;
      continue;
    }
    parts.push({ kind: 'literal', text: literal });
    const part: TemplatePart | string = close === '' ? UNCLOSED : parseInside(inside);
    if (typeof part === 'string')
      problems.push({ message: part, snippet: match[0].slice(dollars.length - 1) });
    else parts.push(part);
    done = match.index + match[0].length;
  }
  return { parts: joinLiterals([...parts, { kind: 'literal', text: text.slice(done) }]), problems };
}

/** The text that `parseTemplate` splits into these parts. */
export function formatTemplate(parts: readonly TemplatePart[]): string {
  return joinLiterals(parts)
    .map((part, index, all) => {
      if (part.kind === 'ref') return `\${${part.name}}`;
      if (part.kind === 'capture') return `\${${part.name}:${part.type}}`;
      const escaped = part.text.replaceAll(/\$+(?=\{)/g, '$&$&');
      return index < all.length - 1 ? escaped.replace(/\$+$/, '$&$&') : escaped;
    })
    .join('');
}

/** Turns a literal text into a template for exactly this text. */
export const literally = (text: string): string => formatTemplate([{ kind: 'literal', text }]);

const UNCLOSED = '"${" has no "}"; write "$${" for the characters themselves';

function nextMark(text: string, from: number): RegExpExecArray | null {
  MARK.lastIndex = from;
  return MARK.exec(text);
}

function parseInside(inside: string): TemplatePart | string {
  if (REF.test(inside)) return { kind: 'ref', name: inside };
  const capture = CAPTURE.exec(inside);
  if (capture === null) {
    return `wanted \${POD.id}, \${matrix.AXIS} or \${NAME:TYPE}; got "\${${inside}}"; write "$\${" for the characters themselves`;
  }
  const type = CAPTURE_TYPES.find((known) => known === capture[2]);
  if (type === undefined) return `a capture is one of ${CAPTURE_TYPES.join(', ')}; got "${capture[2] ?? ''}"`;
  return { kind: 'capture', name: capture[1] ?? '', type };
}

function joinLiterals(parts: readonly TemplatePart[]): readonly TemplatePart[] {
  const joined: TemplatePart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind !== 'literal' || last?.kind !== 'literal') joined.push(part);
    else joined[joined.length - 1] = { kind: 'literal', text: last.text + part.text };
  }
  return joined.filter((part) => part.kind !== 'literal' || part.text !== '');
}

export const IN_EVERY_TEXT = 'every text contains this; write some of the words that must be there';

/**
 * Whether nearly every text contains this, so that expecting it is meaningless. `axis` returns the values of an axis.
 */
export function isInEveryText(
  template: string,
  axis: (name: string) => readonly string[] = () => [],
): boolean {
  return scanTemplate(template).parts.every((part) => {
    if (part.kind === 'literal') return part.text.trim() === '';
    if (part.kind === 'capture') return part.type === 'word';
    const [subject, name = ''] = part.name.split('.');
    return subject === 'matrix' && axis(name).some((value) => value.trim() === '');
  });
}

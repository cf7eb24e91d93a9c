/**
 * A text that other people wrote, as it is shown to anybody: what would act on a terminal, or cannot be seen there, is
 * spelled out (`\u001b`, `\u202e`), line breaks and tabs are left alone. Within JSON it means the same as before.
 */
export const shown = (text: string): string =>
  text.replaceAll(UNSAFE, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** Control characters (C0 but \t and \n, DEL, C1), marks of direction and other invisible ones, halves of pairs. */
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** More of one line than this helps nobody. */
const LONGEST_LINE = 2000;

/** One line, cut where it is too long; `whole` says where all of it is. */
export function shownLine(line: string, { whole }: { readonly whole: string }): string {
  if (line.length <= LONGEST_LINE) return shown(line);
  const start = line.slice(0, LONGEST_LINE).replace(/[\ud800-\udbff]$/, '');
  return `${shown(start)}… (${line.length} characters, all of them in ${whole})`;
}

/** A command as a shell takes it. */
export function pasteable(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

import { list, mapped, type Shape } from './shape.ts';
import { template } from './text-shapes.ts';

const words = list(
  mapped(template('step'), (value, spot) =>
    value.includes('\0') ? spot.mistake('no word of a command can hold the character U+0000') : value,
  ),
  { min: 1 },
);

/** A command, word by word, as no shell reads it. A single text shows how it is written as a list. */
export const argvShape: Shape<readonly string[]> = {
  ...words,
  wanted: 'a list of words',
  read: (spot) => {
    if (spot.kind !== 'text') return words.read(spot);
    const line = spot.text ?? '';
    return spot.mistake(`a command is a list of words, as no shell reads it: write ${asWords(line)}`);
  },
};

function asWords(line: string): string {
  const shell = `[sh, -c, ${quote(line)}]`;
  const words = line.trim().split(/\s+/);
  const isPlain = words.every((word) => /^[\w@%+=:./${}-]+$/.test(word));
  return isPlain && words[0] !== '' ? `[${words.map(asItem).join(', ')}], or ${shell}` : shell;
}

/** Plain where YAML reads the very same text. */
const asItem = (word: string): string =>
  /^[A-Za-z/][\w./-]*$/.test(word) && !/^(?:true|false|null)$/i.test(word) ? word : quote(word);

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

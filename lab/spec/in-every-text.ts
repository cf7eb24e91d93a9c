import { scanTemplate } from './template.ts';

export const IN_EVERY_TEXT = 'every text contains this; write some of the words that must be there';

/** Whether nearly every text has this in it, so that nothing is said by expecting it; `axis` gives the values of one. */
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

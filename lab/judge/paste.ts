import type { LogLine } from '../core/logrus.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Expectation } from '../spec/scenario.ts';
import { asTemplate, type Names } from './as-template.ts';
import type { Finding } from './verdict.ts';
import { shown } from '../core/shown.ts';
import { literally } from '../spec/template.ts';

/** More than this is no line of a file that anybody would read. */
const LONGEST = 1500;

interface PasteOptions {
  readonly expect: Expectation;
  readonly names: Names;
  readonly runtime: Runtime;
}

/** What would stand in the scenario if what came were expected: one key with its value, on one line. */
export function withPaste(finding: Finding, options: PasteOptions): Finding {
  if (finding.outcome !== 'fail' || finding.actual === undefined) return finding;
  const paste = pasteOf({ ...finding, actual: finding.actual }, options);
  return paste === undefined || paste.length > LONGEST ? finding : { ...finding, paste };
}

function pasteOf(
  { check, actual, expected, message, place }: Finding & { readonly actual: string },
  { expect, names, runtime }: PasteOptions,
): string | undefined {
  const text = (value: string) => scalarOf(asTemplate(value, names));
  switch (check) {
    case 'ok':
      if (expected === 'ok: false') return 'ok: true';
      return actual === '' ? 'ok: false' : `error: ${text(actual)}`;
    case 'error':
      return message.startsWith('succeeded') ? 'ok: true' : `error: ${text(actual)}`;
    case 'output':
      return `output: ${text(actual)}`;
    case 'exit-code':
      return /^\d+$/.test(actual) ? `exit-code: ${actual}` : undefined;
    case 'left-behind':
      return `left-behind: ${actual}`;
    case 'log': {
      const wanted = expect.log.find((one) => one.place === place);
      const line: LogLine | undefined = runtime.parseLog(actual)[0];
      if (wanted === undefined || line === undefined || line.level === '') return undefined;
      const fields = Object.keys(wanted.fields).filter((name) => line.fields[name] !== undefined);
      return `log: { ${[
        ...(wanted.level === undefined ? [] : [`level: ${line.level}`]),
        `message: ${text(line.message)}`,
        ...(fields.length === 0
          ? []
          : [
              `fields: { ${fields.map((name) => `${scalarOf(name)}: ${text(line.fields[name] ?? '')}`).join(', ')} }`,
            ]),
      ].join(', ')} }`;
    }
    default:
      return undefined;
  }
}

/** A value as it would stand in a scenario file, on one line, its texts being templates: `{ netns: 1, ipam: [net/10.88.0.2] }`. */
export function flowMap(entries: readonly (readonly [string, number | readonly string[]])[]): string {
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([key, value]) => `${key}: ${typeof value === 'number' ? value : flowTemplates(value)}`).join(', ')} }`;
}

export const flowList = (values: readonly string[]): string => flowTemplates(values.map(literally));

/** As `flowList`, of texts in which `${…}` stands for something. */
export const flowTemplates = (templates: readonly string[]): string =>
  `[${templates.map(scalarOf).join(', ')}]`;

/** Plain where YAML reads it back as the same string, quoted otherwise, with escapes where it cannot be shown as it is. */
export function scalarOf(template: string): string {
  if (PLAIN.test(template) && !KEYWORD.test(template)) return template;
  if (template.includes('\n') || template.includes('\t') || shown(template) !== template)
    return shown(JSON.stringify(template));
  return `'${template.replaceAll("'", "''")}'`;
}

/** Words, paths and IPv4 addresses; whatever YAML could take for a number, a key or a keyword is quoted. */
const PLAIN = /^(?:[A-Za-z/][\w./-]*|\d+(?:\.\d+){3})$/;
const KEYWORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

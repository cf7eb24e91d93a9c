import type { NodeState } from '../core/node-state.ts';
import type { LogLine } from '../core/logrus.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Expectation } from '../spec/scenario.ts';
import type { Finding } from './verdict.ts';
import { shown } from '../core/content.ts';
import { literally, formatTemplate, type TemplatePart } from '../spec/template.ts';
import type { Bindings } from '../match/bindings.ts';
import { variablesIn } from './varying.ts';

interface PasteOptions {
  readonly expect: Expectation;
  readonly names: Names;
  readonly runtime: Runtime;
  readonly network?: NodeState['network'] | undefined;
}

/** Adds what the scenario would contain if the observed result were expected: one key with its value, on one line. */
export function withPaste(finding: Finding, options: PasteOptions): Finding {
  if (finding.outcome !== 'fail' || finding.actual === undefined) return finding;
  const paste = pasteOf({ ...finding, actual: finding.actual }, options);
  return paste === undefined ? finding : { ...finding, paste };
}

function pasteOf(
  { check, actual, expected, message, place }: Finding & { readonly actual: string },
  { expect, names, runtime, network }: PasteOptions,
): string | undefined {
  const text = (value: string) => scalarOf(asTemplate(value, names));
  switch (check) {
    case 'ok':
      if (expected === 'ok: false') return 'ok: true';
      return actual === '' ? silentFailure(message) : `error: ${text(actual)}`;
    case 'error':
      return message.startsWith('succeeded') ? 'ok: true' : `error: ${text(actual)}`;
    case 'output':
      return `output: ${text(actual)}`;
    case 'exit-code':
      return /^\d+$/.test(actual) ? `exit-code: ${actual}` : undefined;
    case 'network-ready':
      if (network === undefined || 'unseen' in network) return undefined;
      return network.ready
        ? 'network-ready: true'
        : `network-ready: { reason: ${text(network.reason)}, message: ${text(network.message)} }`;
    case 'container': {
      const at = containerTextAt(expect, place);
      return at === undefined ? undefined : inContainer(at, `{ ${at.key}: ${text(actual)} }`);
    }
    case 'pod':
      return actual.startsWith('ignored: ') ? `pod: { ${actual} }` : undefined;
    case 'left-behind':
      return `left-behind: ${actual}`;
    case 'no-log':
    case 'log': {
      const wanted = [...expect.log, ...expect.noLog].find((one) => one.place === place);
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

/** The text of a container that is at a place of the file. The container has no name if it is that of the step. */
function containerTextAt(
  { container, containers = {} }: Expectation,
  place: Finding['place'],
): { readonly name: string | undefined; readonly key: 'reason' | 'message' } | undefined {
  const all = [[undefined, container] as const, ...Object.entries(containers)];
  for (const [name, one] of all) {
    for (const key of ['reason', 'message'] as const)
      if (one?.[key]?.place === place && place) return { name, key };
  }
  return undefined;
}

/** A value of one container, in the form of an expectation. */
export const inContainer = ({ name }: { readonly name: string | undefined }, value: string): string =>
  name === undefined ? `container: ${value}` : `containers: { ${scalarOf(name)}: ${value} }`;

/** For a command that failed without output, only its exit code is known. */
function silentFailure(message: string): string {
  const [, exitCode] = /^command exited with (\d+):/.exec(message) ?? [];
  return exitCode === undefined ? 'ok: false' : `exit-code: ${exitCode}`;
}

/** A value on one line, as in a scenario file. Its texts are templates: `{ netns: 1, ipam: [net/10.88.0.2] }`. */
export function flowMap(entries: readonly (readonly [string, number | readonly string[]])[]): string {
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([key, value]) => `${key}: ${typeof value === 'number' ? value : flowTemplates(value)}`).join(', ')} }`;
}

export const flowList = (values: readonly string[]): string => flowTemplates(values.map(literally));

/** Like `flowList`, but for templates, in which `${…}` stands for a value. */
export const flowTemplates = (templates: readonly string[]): string =>
  `[${templates.map(scalarOf).join(', ')}]`;

/**
 * A plain scalar if YAML reads it back as the same string, otherwise a quoted one. Characters that cannot be displayed
 * are escaped.
 */
export function scalarOf(template: string): string {
  if (PLAIN.test(template) && !KEYWORD.test(template)) return template;
  if (template.includes('\n') || template.includes('\t') || shown(template) !== template)
    return shown(JSON.stringify(template));
  return `'${template.replaceAll("'", "''")}'`;
}

/** Words, paths and IPv4 addresses. Everything that YAML could read as a number, a key or a keyword is quoted. */
const PLAIN = /^(?:[A-Za-z/][\w./-]*|\d+(?:\.\d+){3})$/;
const KEYWORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

export interface Names {
  readonly bindings: Bindings;
  /** names for varying values, by type and value */
  readonly variables: () => ReadonlyMap<string, string>;
  /** the pod that failed to run, so its id is unknown */
  readonly unborn?: string | undefined;
}

/** A text of the system as a scenario would expect it: `${web.id}` for known values, captures for varying ones. */
export function asTemplate(text: string, names: Names): string {
  const marks = [...knownIn(text, names.bindings), ...varyingIn(text, names)].sort(
    (a, b) => a.start - b.start,
  );
  const parts: TemplatePart[] = [];
  let done = 0;
  for (const { start, end, part } of marks) {
    if (start < done) continue;
    parts.push({ kind: 'literal', text: text.slice(done, start) }, part);
    done = end;
  }
  return formatTemplate([...parts, { kind: 'literal', text: text.slice(done) }]);
}

interface Mark {
  readonly start: number;
  readonly end: number;
  readonly part: TemplatePart;
}

/** Ids, network namespaces and addresses of pods and containers that are in the text, the longest first. */
function knownIn(text: string, bindings: Bindings): readonly Mark[] {
  const known = [...bindings]
    .filter(([name, value]) => /\.(?:id|ip6?|netns)$/.test(name) && value !== '')
    .sort(([, a], [, b]) => b.length - a.length);
  return known.flatMap(([name, value]) => {
    const marks: Mark[] = [];
    for (let start = text.indexOf(value); start >= 0; start = text.indexOf(value, start + value.length)) {
      const end = start + value.length;
      const around = `${text[start - 1] ?? ' '}${text[end] ?? ' '}`;
      const inLonger = name.endsWith('.id')
        ? /[0-9a-f]/.test(around)
        : /[\w:]/.test(around) || /^\.\w/.test(text.slice(end));
      if (!inLonger) marks.push({ start, end, part: { kind: 'ref', name } });
    }
    return marks;
  });
}

function varyingIn(text: string, { variables, unborn, bindings }: Names): readonly Mark[] {
  const ref = unborn === undefined || bindings.has(`${unborn}.id`) ? undefined : `${unborn}.id`;
  let unbornId: string | undefined;
  return variablesIn(text).map(({ start, end, value, kind }): Mark => {
    if (ref !== undefined && kind.type === 'id' && (unbornId ??= value) === value)
      return { start, end, part: { kind: 'ref', name: ref } };
    const name = variables().get(`${kind.type} ${value}`) ?? `${kind.name}-0`;
    return { start, end, part: { kind: 'capture', name, type: kind.type } };
  });
}

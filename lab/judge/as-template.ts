import type { Bindings } from '../match/bindings.ts';
import { formatTemplate, type TemplatePart } from '../spec/template.ts';
import { variablesIn } from './varying.ts';

export interface Names {
  readonly bindings: Bindings;
  /** of what varies, by its type and value */
  readonly variables: ReadonlyMap<string, string>;
  /** the pod that was to be run and whose id nobody knows */
  readonly unborn?: string | undefined;
}

/** A text that the system gave as a scenario would expect it: `${web.id}` for what is known, captures for what varies. */
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

/** Ids, network namespaces and addresses of pods and containers, the longest first. */
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
    const name = variables.get(`${kind.type} ${value}`) ?? `${kind.name}-0`;
    return { start, end, part: { kind: 'capture', name, type: kind.type } };
  });
}

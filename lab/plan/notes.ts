import { messageOf } from '../core/lab-error.ts';
import type { RuntimeRef } from '../core/components.ts';
import type { Runtimes } from '../core/runtime.ts';
import { type Diagnostic, mistakeAt, type Place } from '../spec/diagnostic.ts';
import type { FileSpec, Scenario } from '../spec/scenario.ts';
import { scanTemplate } from '../spec/template.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import type { NodePlan, Plan, RunPlan } from './plan.ts';

/**
 * Possible mistakes that may be intended, because broken configurations are tested on purpose. They are reported before
 * anything runs.
 */
export function notesOn(scenario: Scenario): readonly Diagnostic[] {
  return [...notesOnAxes(scenario), ...notesOnFiles(scenario)];
}

/** Tables of `runtime-config` that are for other versions than those of the plan. */
export function notesOnConfig(
  plan: Plan,
  { scenarios, runtimes }: { scenarios: readonly Scenario[]; runtimes: Runtimes },
): readonly Diagnostic[] {
  const notes = new Map<string, { place: Place; message: string; versions: Set<string> }>();
  for (const { node, runtime } of plan.runs.flatMap(runtimesOf)) {
    const { runtimeConfig, runtimeConfigPlace: place } = node;
    if (place === undefined) continue;
    const message = runtimes[runtime.component].configNote(
      runtimeConfig,
      runtime.version,
      node.runtime.version,
    );
    if (message === undefined) continue;
    const key = `${place.file}:${place.line}:${place.column} ${message}`;
    const note = notes.get(key) ?? { place, message, versions: new Set() };
    notes.set(key, note);
    note.versions.add(`${runtime.component} ${runtime.version}`);
  }
  return [...notes.values()].map(({ place, message, versions }) => {
    const { text = '', included = {} } =
      scenarios.find((one) => one.place.file === place.file || place.file in one.included) ?? {};
    return mistakeAt(place, {
      text,
      included,
      message: `note: with ${[...versions].join(', ')}: ${message}`,
    });
  });
}

/** Each node of a run with each of its runtimes in turn. A step that replaces the runtime keeps its configuration. */
const runtimesOf = ({
  nodes,
  steps,
}: RunPlan): readonly { readonly node: NodePlan; readonly runtime: RuntimeRef }[] =>
  nodes.flatMap((node) => [
    { node, runtime: node.runtime },
    ...steps.flatMap(({ on, action }) =>
      action.do === 'replace-runtime' && on === node.name ? [{ node, runtime: action.runtime }] : [],
    ),
  ]);

/** Axes that nothing uses, so that their values give identical runs. */
function notesOnAxes({ matrix, nodes, pods, steps, expect, place, text }: Scenario): readonly Diagnostic[] {
  const used = JSON.stringify([nodes, pods, steps, expect]);
  const whens = [...steps, ...steps.flatMap((step) => step.expect), ...expect].map(({ when = {} }) => when);
  return matrix
    .filter(({ axis }) => !used.includes(`\${matrix.${axis}}`) && !whens.some((when) => axis in when))
    .map(({ axis }) => {
      const message = `note: nothing in this file takes a value of the axis "${axis}", so that its runs are all the same`;
      return mistakeAt(place, { text, message });
    });
}

function notesOnFiles({ nodes, steps, place, text, included }: Scenario): readonly Diagnostic[] {
  // or of the command line
  const textOf = ({ file }: FileSpec['place']) => (file === place.file ? text : included[file]) ?? '';
  const anywhere = [
    ...nodes.flatMap(({ files }) => files),
    ...steps.flatMap(({ action }) => specOf(action).files?.(action) ?? []),
  ];
  const files = [
    ...nodes.flatMap(({ cniConfig }) => cniConfig),
    ...steps.flatMap(({ action }) => specOf(action).cniConfig?.(action) ?? []),
    ...anywhere.filter(({ name }) => name.startsWith('/etc/cni/net.d/')),
  ];
  return files.flatMap((file) =>
    [noteOnName(file), noteOnContent(file)].flatMap((message) =>
      message === undefined
        ? []
        : [mistakeAt(file.place, { text: textOf(file.place), message: `note: ${message}` })],
    ),
  );
}

function noteOnName({ name }: FileSpec): string | undefined {
  if (name.includes('${') || /\.(?:conflist|conf|json)$/.test(name)) return undefined;
  return `${name} does not end in .conflist, .conf or .json, and no runtime reads it`;
}

function noteOnContent({ name, content, encoding, mapping }: FileSpec): string | undefined {
  if (mapping !== undefined) return undefined;
  if (encoding !== undefined) return `${name} is not UTF-8, which JSON has to be`;
  const text = withoutReferences(content);
  if (isPath(text)) {
    return `${name} holds the text "${text.trim()}" and not what is in that file, which is { from: ${text.trim()} }`;
  }
  try {
    JSON.parse(text);
    return undefined;
  } catch (thrown) {
    return `${name} is not JSON, and is written as it is: ${messageOf(thrown)}`;
  }
}

const isPath = (text: string): boolean =>
  /^\s*(?:(?:\.{0,2}\/)?[\w./-]+\.(?:conflist|conf|json|ya?ml)|\.{0,2}\/[\w./-]+)\s*$/.test(text);

/** The text with each reference replaced by a digit, which is valid JSON both in quotes and without them. */
function withoutReferences(template: string): string {
  if (!template.includes('${')) return template;
  return scanTemplate(template)
    .parts.map((part) => (part.kind === 'literal' ? part.text : '0'))
    .join('');
}

import type { PlannedStep, RunPlan } from '../plan/plan.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import { flowMap } from '../judge/paste.ts';
import type { Expectation, LeftBehindExpectation, Scenario, TextExpectation } from '../spec/scenario.ts';

/** A scenario and the runs of all its cells. All of them passed, so what they expect is what was observed. */
export interface Shown {
  readonly scenario: Scenario;
  readonly runs: readonly RunPlan[];
}

/**
 * The text of docs/findings.md. For each scenario: the results with their exact texts, the versions that have them, and
 * the command that shows them.
 */
export function findingsPage(shown: readonly Shown[]): string {
  return [
    '# Findings',
    '',
    'What the scenarios have shown, each on real nodes of the versions that it names. Messages are exact, except that',
    '`${web.id}` and the like stand for what differs each time. This page is made from the journals of a run of all scenarios,',
    'and CI fails when it is not up to date. `npm run findings` runs them and writes it.',
    '',
    ...shown.flatMap(sectionOf),
  ]
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n');
}

/** The table in README.md: what a reader learns from each scenario. */
export const findingsTable = (shown: readonly Shown[]): string =>
  [
    '| scenario | what a reader learns |',
    '|---|---|',
    ...shown.map(
      ({ scenario }) => `| \`${nameOf(scenario)}\` | ${cellText(scenario.finding ?? scenario.summary)} |`,
    ),
    '| `controls/` | scenarios whose expectation is wrong on purpose: each must come out as it names, or the check does not work |',
    '',
  ].join('\n');

const cellText = (text: string): string => text.trim().replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');

/** The name with its directory below scenarios/, if it has one. */
function nameOf({ place, name }: Scenario): string {
  const [, folder = ''] = /scenarios\/(.*\/)[^/]*$/.exec(place.file) ?? [];
  return `${folder}${name}`;
}

function sectionOf({ scenario, runs }: Shown): readonly string[] {
  const { summary, finding, references, place, name } = scenario;
  const links = references.map((address) => `<${address}>`).join(', ');
  const file = place.file.replace(/^.*?scenarios\//, '../scenarios/');
  return [
    `## ${nameOf(scenario)}`,
    '',
    endsWithStop(summary),
    ...(finding === undefined ? [] : ['', endsWithStop(finding.trim())]),
    '',
    `\`npx cnilab run ${name}\` shows it ([the file](${file})).${links === '' ? '' : ` See ${links}.`}`,
    '',
    ...groupsOf(runs).flatMap(({ label, items }) => [`**${label}**`, '', ...entriesOf(items), '']),
  ];
}

const entriesOf = (items: readonly Item[]): readonly string[] =>
  items.length === 0 ? ['- every step succeeds'] : items.flatMap(({ text }) => text);

const endsWithStop = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** One observed result. */
interface Item {
  /** the step and the part of its result */
  readonly key: string;
  /** lines of a list entry */
  readonly text: readonly string[];
  /** not worth reporting if it is the same in all cells */
  readonly onlyIfDifferent?: true;
}

interface Group {
  readonly label: string;
  readonly items: readonly Item[];
}

/** The results that all cells have, then groups of cells with the same further results, in the order of the matrix. */
function groupsOf(runs: readonly RunPlan[]): readonly Group[] {
  const all = runs.map((run) => ({ run, items: itemsOf(run) }));
  const failing = new Set(
    all.flatMap(({ items }) => items.flatMap(({ key }) => (key.endsWith(' fails') ? [key] : []))),
  );
  const complete = all.map(({ run, items }) => ({ run, items: withSuccess(run, { items, failing }) }));
  const textsOf = (key: string) =>
    complete.map(({ items }) =>
      JSON.stringify(items.filter((item) => item.key === key).map(({ text }) => text)),
    );
  const keys = new Set(complete.flatMap(({ items }) => items.map(({ key }) => key)));
  const same = new Set([...keys].filter((key) => new Set(textsOf(key)).size === 1));
  const common = (complete[0]?.items ?? []).filter(
    ({ key, onlyIfDifferent }) => onlyIfDifferent !== true && same.has(key),
  );
  const groups = new Map<string, { runs: RunPlan[]; items: readonly Item[] }>();
  for (const { run, items } of complete) {
    const news = items.filter(({ key }) => !same.has(key));
    const id = JSON.stringify(news.map(({ text }) => text));
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { runs: [run], items: news });
    else group.runs.push(run);
  }
  const differing = [...groups.values()].map((group) => ({ ...group, label: labelOf(group.runs, runs) }));
  if (differing.length < 2) return differing.map(({ label }) => ({ label, items: common }));
  return [
    ...(common.length === 0 ? [] : [{ label: `all of ${labelOf(runs, runs)}`, items: common }]),
    ...differing,
  ];
}

/** Adds the success of a step that fails in other cells. */
function withSuccess(
  run: RunPlan,
  { items, failing }: { readonly items: readonly Item[]; readonly failing: ReadonlySet<string> },
): readonly Item[] {
  return run.steps
    .flatMap((step): readonly Item[] => {
      const { id } = step;
      const own = items.filter(({ key }) => key.startsWith(`${id} `));
      const key = `${id} fails`;
      if (!failing.has(key) || own.some((item) => item.key === key)) return own;
      return [{ key, text: [`- ${stepText(step)} succeeds`] }, ...own];
    })
    .concat(items.filter(({ key }) => key.startsWith('end ')))
    .toSpliced(0, 0, ...items.filter(({ key }) => key.startsWith('start ')));
}

const LONGEST_STEP = 60;

/** A step and what it acts on, in the words of the plan. */
function stepText({ id, action }: PlannedStep): string {
  const about = specOf(action).describe(action).replaceAll(/\s+/g, ' ').replaceAll('`', "'");
  const cut = about.length > LONGEST_STEP ? `${about.slice(0, LONGEST_STEP - 1)}…` : about;
  return `\`${`${id} ${cut}`.trimEnd()}\``;
}

function itemsOf({ nodes, steps }: RunPlan): readonly Item[] {
  const on = (name: string | undefined) => (name === undefined ? '' : ` on ${name}`);
  return [
    ...nodes.flatMap(({ name, start }) =>
      start === undefined ? [] : expectedItems(start, { id: 'start', what: `the start${on(name)}` }),
    ),
    ...steps.flatMap((step) => expectedItems(step.expect, { id: step.id, what: stepText(step) })),
    ...nodes.flatMap(({ name, end }) =>
      end === undefined ? [] : expectedItems(end, { id: 'end', what: `the end${on(name)}` }),
    ),
  ];
}

function expectedItems(
  expect: Expectation,
  { id, what }: { readonly id: string; readonly what: string },
): readonly Item[] {
  const { ok, error, exitCode, output, timedOut, runtime, networkReady, pod, pods, leftBehind, log } = expect;
  const items: Item[] = [];
  const add = (kind: string, ...text: readonly string[]) => items.push({ key: `${id} ${kind}`, text });
  const addIfDifferent = (kind: string, ...text: readonly string[]) =>
    items.push({ key: `${id} ${kind}`, text, onlyIfDifferent: true });
  if (error !== undefined) add('fails', ...withText(`- ${what} fails`, error));
  else if (ok === false) add('fails', `- ${what} fails`);
  else if ((exitCode ?? 0) !== 0) add('fails', `- ${what} exits with ${String(exitCode)}`);
  else if (timedOut === true) add('fails', `- ${what} gets no answer within its limit`);
  if (output !== undefined) addIfDifferent('output', ...withText(`- ${what} prints`, output));
  if (runtime !== undefined && runtime !== 'running')
    add('runtime', `- after ${what} the runtime is ${runtime}`);
  if (networkReady !== undefined) {
    const { ready, reason, message } = networkReady;
    const why = reason === undefined ? '' : `, reason ${textOf(reason)}`;
    const line = `- after ${what}, \`NetworkReady\` is ${ready}${why}`;
    if (message === undefined) addIfDifferent('network', line);
    else add('network', ...withText(line, message));
  }
  for (const line of log) {
    const fields = Object.entries(line.fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
    const text = `${line.level === undefined ? '' : `${line.level}: `}${partOf(line.message)}${fields.join('')}`;
    add('log', `- the log of ${what} has`, ...block(text));
  }
  const named = [
    ...(pod === undefined ? [] : [['the pod', pod] as const]),
    ...(typeof pods === 'object' ? Object.entries(pods) : []),
  ];
  for (const [name, { state, ips, leftBehind: own }] of named) {
    const states = [
      ...(state === undefined ? [] : [`is ${state}`]),
      ...(ips === undefined
        ? []
        : [
            typeof ips === 'number'
              ? `has ${ips === 1 ? '1 address' : `${ips} addresses`}`
              : `has ${ips.join(', ')}`,
          ]),
    ];
    if (states.length > 0) addIfDifferent(`pod ${name}`, `- after ${what}, ${name} ${states.join(' and ')}`);
    if (own !== undefined) add(`left of ${name}`, `- after ${what}, left behind of ${name}: ${remains(own)}`);
  }
  if (leftBehind !== undefined) {
    const at = id === 'end' ? `at ${what}` : `after ${what}`;
    if (leftBehind.none && id !== 'end') addIfDifferent('left', `- ${at}, nothing is left behind`);
    else
      add(
        'left',
        leftBehind.none ? `- ${at}, nothing is left behind` : `- ${at}, left behind: ${remains(leftBehind)}`,
      );
  }
  return items;
}

const textOf = (text: TextExpectation): string => ('exact' in text ? text.exact : text.contains);

/** A text that is only a part is shown between ellipses. */
const partOf = (text: TextExpectation): string => ('exact' in text ? text.exact : `…${text.contains}…`);

const withText = (line: string, text: TextExpectation): readonly string[] => [
  'exact' in text ? line : `${line}, with this in its text`,
  ...block(textOf(text)),
];

/** A text of the system as a code block. */
const block = (text: string): readonly string[] => [
  '',
  '  ```text',
  ...text.split('\n').map((line) => `  ${line}`),
  '  ```',
  '',
];

const remains = (leftBehind: LeftBehindExpectation): string =>
  leftBehind.none ? 'nothing' : `\`${flowMap(Object.entries(leftBehind.kinds)).replace(/^\{ | \}$/g, '')}\``;

/** The versions of a group by runtime. If the scenario has other axes, their values are included. */
function labelOf(own: readonly RunPlan[], all: readonly RunPlan[]): string {
  return distinct(own.map(runtimeOf))
    .map((runtime) => {
      const [ofOwn, ofAll] = [own, all].map((runs) => runs.filter((run) => runtimeOf(run) === runtime));
      return labelOfRuntime(ofOwn ?? [], ofAll ?? []);
    })
    .join('; ');
}

/** Of runs with the same runtime. */
function labelOfRuntime(own: readonly RunPlan[], all: readonly RunPlan[]): string {
  const sorted = (axis: Axis) =>
    axis.name === undefined
      ? distinct(all.map(axis.of)).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      : distinct(all.map(axis.of));
  const others = Object.keys(all[0]?.cell ?? {}).filter((name) =>
    all.some(
      (run) => (run.cell[name] ?? '').replace(/^\w+:/, '') !== versionOf(run) && !isSuite(run.cell[name]),
    ),
  );
  const axes: readonly Axis[] = [
    { name: undefined, of: versionOf },
    ...others.map((name): Axis => ({ name, of: ({ cell }) => (cell[name] ?? '').replace(/^\w+:/, '') })),
  ];
  const runtime = runtimeOf(all[0]);
  return blocksOf(own, axes)
    .map((cells) =>
      axes
        .flatMap((axis) => {
          const values = distinct(cells.map(axis.of));
          const ranges = rangesOf(values, sorted(axis));
          if (axis.name === undefined) return [`${runtime} ${ranges}`];
          return values.length === sorted(axis).length ? [] : [`\`${axis.name}\` ${ranges || "''"}`];
        })
        .join(', '),
    )
    .join('; or ');
}

interface Axis {
  /** the name of the axis in the matrix; undefined for the version of the runtime */
  readonly name: string | undefined;
  readonly of: (run: RunPlan) => string;
}

/** Splits a group into parts that are each all combinations of some values. */
function blocksOf(runs: readonly RunPlan[], axes: readonly Axis[]): readonly (readonly RunPlan[])[] {
  const values = axes.map(({ of }) => distinct(runs.map(of)));
  const whole = values.reduce((product, { length }) => product * length, 1);
  const combinations = distinct(runs.map((run) => axes.map(({ of }) => of(run)).join('\n'))).length;
  if (whole === combinations) return [runs];
  const fewest = axes
    .map((axis, index) => ({ axis, own: values[index] ?? [] }))
    .filter(({ own }) => own.length > 1)
    .sort((a, b) => a.own.length - b.own.length)[0];
  if (fewest === undefined) return [runs];
  const { axis, own } = fewest;
  const rest = axes.filter((other) => other !== axis);
  const alike = new Map<string, RunPlan[]>();
  for (const value of own) {
    const part = runs.filter((run) => axis.of(run) === value);
    const key = distinct(part.map((run) => rest.map(({ of }) => of(run)).join('\n'))).join('\n\n');
    alike.set(key, [...(alike.get(key) ?? []), ...part]);
  }
  return [...alike.values()].flatMap((part) => blocksOf(part, axes));
}

const isSuite = (value: string | undefined): boolean => /^debian:[a-z]+$/.test(value ?? '');

const runtimeOf = (run: RunPlan | undefined): string => run?.nodes[0]?.runtime.component ?? '';

const versionOf = ({ nodes }: RunPlan): string => nodes[0]?.runtime.version ?? '';

/**
 * Version ranges, `1.5.13, 1.6.0 to 1.6.4`. Two versions are neighbours if the scenario ran on no version between them.
 */
function rangesOf(own: readonly string[], versions: readonly string[]): string {
  const parts: string[][] = [];
  let before = -2;
  versions.forEach((version, index) => {
    if (!own.includes(version)) return;
    if (index === before + 1) parts.at(-1)?.push(version);
    else parts.push([version]);
    before = index;
  });
  return parts
    .map((part) => (part.length < 3 ? part.join(', ') : `${part[0] ?? ''} to ${part.at(-1) ?? ''}`))
    .join(', ');
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)];

import { didYouMean, type Diagnostic } from './diagnostic.ts';
import { clusterShape } from './cluster-shape.ts';
import { endExpectShape } from './expect-shape.ts';
import { nodeShape } from './node-shape.ts';
import { LIMITS, cellCount, tooManyCells } from './limits.ts';
import { present, object } from './object-shape.ts';
import { podsShape } from './pod-shape.ts';
import { text, word } from './scalar-shapes.ts';
import type { Control, EndExpectation, NamedNode, PodSpec, Scenario, StepSpec } from './scenario.ts';
import { mentioning, type AxisValue } from './mention.ts';
import {
  about,
  list,
  mapOf,
  mapped,
  oneOrMany,
  type Shape,
  type Definitions,
  type JsonSchema,
} from './shape.ts';
import type { YamlValue } from './yaml-value.ts';
import { numbered, stepShape } from './step-shape.ts';
import { exactOrPart, nameShape } from './text-shapes.ts';
import { podMadeBy } from './verbs/verbs.ts';
import { ok, type Result } from '../core/lab-error.ts';
import { readWithReferences } from './references.ts';
import { YamlFile, type Beside } from './yaml-file.ts';

export interface ScenarioOptions {
  /** the names of findings that a control can use */
  readonly checks: readonly string[];
}

/** A complete file. */
export function scenarioShape({ checks }: ScenarioOptions): Shape<Omit<Scenario, 'text' | 'included'>> {
  const keys = {
    required: {
      name: about('as it is called on the command line and in reports', nameShape),
      summary: about(
        'what a reader learns from it, in one line',
        text({ wanted: 'one line of text', pattern: /^[^\n]+$/ }),
      ),
      steps: about('what is done, in this order; each is followed by a look at the node', stepsShape),
    },
    optional: {
      include: about(
        'files beside this one, *.inc.yaml, whose fragments (x-…) have anchors that aliases here can name',
        oneOrMany(text({ wanted: 'the path of a file *.inc.yaml', pattern: /\.inc\.ya?ml$/ })),
      ),
      finding: about(
        'what was found, for docs/findings.md; also where a document says otherwise',
        text({ wanted: 'a text' }),
      ),
      references: about(
        'where the claim comes from',
        list(text({ wanted: 'an address (https://…)', pattern: /^https?:\/\/\S+$/ })),
      ),
      control: about(
        'for a scenario that must not pass, which proves that the alarm rings',
        controlShape(checks),
      ),
      matrix: about('axis → values; each combination is one run on its own fresh node', matrixShape),
      pods: about('pods that are more than plain, by name', podsShape),
      node: about('what the node is made of', nodeShape),
      nodes: about('in place of that: several nodes by name, with a network between them', nodesShape),
      cluster: about('in place of that: nodes with Kubernetes on them', clusterShape),
      expect: about('what must be so at the end', atTheEnd),
    },
    first: ['matrix', 'pods', 'node', 'nodes', 'cluster'] as const,
    ignored: /^x-/, // for anchors that several places share
  };
  const scenario = object(keys, (values, spot) => {
    const { cluster } = values;
    const nodes = values.nodes ?? cluster?.nodes ?? (values.node === undefined ? undefined : [values.node]);
    checkControl({ ...values, ...present({ nodes }) }, spot);
    if (nodes === undefined) return spot.mistake('"node" is missing');
    if (cluster !== undefined && (values.node !== undefined || values.nodes !== undefined))
      return spot.mistake('"cluster" has nodes of its own; leave "node" and "nodes" out');
    if (values.node !== undefined && values.nodes !== undefined)
      return spot.mistake('"node" is the only node, and "nodes" are several by name; one of them has to go');
    checkAxesOfRuntimes(nodes, spot);
    return {
      place: spot.place,
      name: values.name,
      summary: values.summary,
      ...present({ finding: values.finding }),
      references: values.references ?? [],
      ...present({ control: values.control }),
      matrix: values.matrix ?? [],
      nodes,
      ...present({ cluster: cluster?.cluster }),
      pods: withPlainPods(values.pods ?? [], values.steps),
      steps: values.steps,
      expect: values.expect ?? [],
    };
  });
  return {
    ...scenario,
    schema: (definitions) => ({
      ...scenario.schema(definitions),
      oneOf: [{ required: ['node'] }, { required: ['nodes'] }, { required: ['cluster'] }],
    }),
    read: (spot) =>
      spot.kind === 'mapping'
        ? scenario.read(spot)
        : spot.mistake(`a scenario is a mapping with name, summary, node and steps; got ${spot.describe()}`),
  };
}

function controlShape(checks: readonly string[]): Shape<Control> {
  const keys = {
    required: {
      outcome: about('what it comes out as', word(['fail', 'inconclusive'])),
      finding: about('the check that has to say so', word(checks)),
      step: about(
        'and where: 2-connect, start or end',
        text({ wanted: 'a step such as 2-connect, start or end' }),
      ),
      message: about('and how: its message, or what it says came instead', exactOrPart),
    },
    optional: { on: about('the node, where there are several and the step is start or end', nameShape) },
  };
  return object(keys, ({ on, ...control }) => ({ ...control, ...present({ on }) }));
}

/**
 * Checks that a control names an existing step. If there are several nodes, it must also name the node of a start or
 * end.
 */
function checkControl(
  { control, steps, nodes }: { control?: Control; steps: readonly StepSpec[]; nodes?: readonly NamedNode[] },
  spot: YamlValue,
): void {
  if (control === undefined) return;
  const at = spot.entries.find(({ name }) => name === 'control')?.value.entries;
  const valueOf = (key: string) => at?.find(({ name }) => name === key)?.value;
  const mustBeOne = (key: 'step' | 'on', what: string, known: readonly string[]): void => {
    const name = control[key] ?? '';
    if (known.includes(name)) return;
    valueOf(key)?.mistake(
      `there is no ${what} "${name}"${didYouMean(name, known) || ';'} known: ${known.join(', ')}`,
    );
  };
  const taken = steps.map(({ action, number }) => `${number}-${action.do}`);
  mustBeOne('step', 'step', ['start', ...taken, 'end']);
  const names = (nodes ?? []).flatMap(({ name }) => name ?? []);
  const isOfNode = names.length > 0 && (control.step === 'start' || control.step === 'end');
  if (!isOfNode) {
    if (control.on !== undefined)
      valueOf('on')?.mistake('"on" belongs to a control of start or end, where there are several nodes');
  } else if (control.on !== undefined) mustBeOne('on', 'node', names);
  else
    valueOf('step')?.mistake(`each node has its own ${control.step}; "on" says which: ${names.join(', ')}`);
}

/** Two runtimes are two axes, and a cell has one of them. So all nodes with two runtimes must have the same axes. */
function checkAxesOfRuntimes(nodes: readonly NamedNode[], spot: YamlValue): void {
  const pairs = nodes.flatMap(({ runtime, otherRuntime }) =>
    otherRuntime === undefined ? [] : [`${runtime.version.text} and ${otherRuntime.version.text}`],
  );
  const [first, other] = [...new Set(pairs)];
  if (first !== undefined && other !== undefined)
    spot.mistake(`nodes with two runtimes have the same two axes; here are ${first}, and ${other}`);
}

/** A text, a number, true or false. A value that is not a text keeps its type where it is filled in without quotes. */
const axisValue: Shape<AxisValue> = {
  wanted: 'a text',
  schema: () => ({ type: ['string', 'number', 'boolean'] }),
  read: (spot) => {
    const words = spot.kind === 'boolean' ? String(spot.scalar) : spot.text;
    return words === undefined ? spot.wants('a text') : { text: words, plain: spot.kind !== 'text', spot };
  },
};

const axesShape = mapOf(list(axisValue, { min: 1 }), {
  key: (_name, spot) => nameShape.read(spot),
  build: (values, axis, key) => {
    key.mention({ kind: 'axis', axis, values });
    const seen = new Set<string>();
    for (const { text: words, spot } of values) {
      if (seen.has(words)) spot.mistake(`"${words}" stands in axis "${axis}" twice`);
      if (words.includes('${')) spot.mistake('a value of the matrix is plain text');
      seen.add(words);
    }
    return { axis, values: [...seen], plain: values.filter(({ plain }) => plain).map(({ text }) => text) };
  },
});

const matrixShape: Shape<Scenario['matrix']> = mapped(axesShape, (matrix, spot) => {
  const cells = cellCount(matrix);
  return cells > LIMITS.cells ? spot.mistake(tooManyCells(cells)) : matrix;
});

const nodesByName = mapOf(nodeShape, {
  key: (name, spot) => {
    if (nameShape.read(spot) !== undefined && name.length > LIMITS.nodeName)
      spot.mistake(`the name of a node has at most ${LIMITS.nodeName} characters; got ${name.length}`);
  },
  build: (node, name): NamedNode => ({ name, ...node }),
});
const nodesShape: Shape<readonly NamedNode[]> = {
  ...nodesByName,
  read: (spot) => {
    const names = spot.kind === 'mapping' ? spot.entries.map(({ name }) => name) : [];
    spot.mention({ kind: 'nodes', names });
    if (names.length === 1) spot.mistake('these are several nodes; a single one is "node", without a name');
    if (names.length > LIMITS.nodes)
      spot.mistake(`a scenario has at most ${LIMITS.nodes} nodes; got ${names.length}`);
    return nodesByName.read(spot);
  },
};

const stepsShape: Shape<readonly StepSpec[]> = mapped(
  mentioning(list(stepShape, { min: 1, max: LIMITS.steps }), () => ({ kind: 'steps-read' })),
  numbered,
);

const atTheEnd: Shape<readonly EndExpectation[]> = {
  ...endExpectShape,
  read: (spot) => {
    spot.mention({ kind: 'end' });
    return endExpectShape.read(spot);
  },
};

/** A pod that is run but not declared has this name and default settings. */
function withPlainPods(declared: readonly PodSpec[], steps: readonly StepSpec[]): readonly PodSpec[] {
  const run = new Set(steps.flatMap(({ action }) => podMadeBy(action) ?? []));
  const plain = [...run].filter((name) => !declared.some((pod) => pod.name === name));
  return [
    ...declared,
    ...plain.map((name) => ({ name, hostPorts: [], annotations: {}, labels: {}, hostNetwork: false })),
  ];
}

/** The language as a JSON Schema for editors, from the same shapes that read the files. */
export function scenarioJsonSchema({ checks }: { checks: readonly string[] }): JsonSchema {
  const definitions: Definitions = new Map();
  const schema = scenarioShape({ checks }).schema(definitions);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'cnilab scenario',
    ...schema,
    definitions: Object.fromEntries(definitions),
  };
}

/** The text of scenarios/schema.json, which scripts/write-schema.mjs writes. */
export const formatScenarioSchema = (options: { checks: readonly string[] }): string =>
  `${JSON.stringify(scenarioJsonSchema(options), null, 2)}\n`;

export interface ScenarioText extends ScenarioOptions {
  /** as people name it; every place in the scenario contains it */
  readonly file: string;
  readonly text: string;
  readonly beside: Beside;
}

/** A scenario file, or every mistake in it, in the order of the file. */
export function parseScenario({
  file,
  text,
  beside,
  checks,
}: ScenarioText): Result<Scenario, readonly Diagnostic[]> {
  const yaml = new YamlFile({ file, text, beside });
  const read = readWithReferences(yaml, scenarioShape({ checks }));
  return read.ok ? ok({ ...read.value, text, included: yaml.includedTexts }) : read;
}

import type { FakeAnswer, FakeBehaviour, FakeScript } from '../core/fake-plugin.ts';
import { unreachable } from '../core/lab-error.ts';
import type {
  CallExpectation,
  ClusterExpectation,
  ContainerExpectation,
  Control,
  Expectation,
  FileSpec,
  LeftBehindExpectation,
  LogExpectation,
  NetworkExpectation,
  PodExpectation,
  PodSpec,
  TextExpectation,
  VersionText,
} from '../spec/scenario.ts';
import { formatWritten, valueOf, type WrittenJson, type WrittenObject } from '../spec/written-json.ts';
import { formatTemplate, parseTemplate } from '../spec/template.ts';

/** One value for each axis of a matrix. An axis that belongs to the other runtime is missing, and is empty in texts. */
export type Cell = Readonly<Record<string, string>>;

/**
 * How a text is filled in. `final`: it only refers to the matrix, and the result is a plain text. `template`: it may
 * also refer to pods, and the result is still a template, but without `${matrix.…}`.
 */
export type FillMode = 'final' | 'template';

export function fillText(text: string, { cell, mode }: { cell: Cell; mode: FillMode }): string {
  if (!text.includes('${')) return text;
  const template = parseTemplate(text);
  if (!template.ok) throw new Error(`spec let through a text that is no template: ${text}`);
  const parts = template.value.map((part) => {
    const value =
      part.kind === 'ref' && part.name.startsWith('matrix.')
        ? (cell[part.name.slice('matrix.'.length)] ?? '')
        : undefined;
    return value === undefined ? part : ({ kind: 'literal', text: value } as const);
  });
  if (mode === 'template') return formatTemplate(parts);
  return parts.map((part) => (part.kind === 'literal' ? part.text : formatTemplate([part]))).join('');
}

export const fillVersion = (version: VersionText, cell: Cell): VersionText => ({
  text: fillText(version.text, { cell, mode: 'final' }),
  place: version.place,
});

export interface FillJson {
  readonly cell: FilledCell;
  readonly mode: FillMode;
}

/** A cell, and the axes whose value in it is not a text but a number, true or false. */
export interface FilledCell {
  readonly values: Cell;
  readonly plain: ReadonlySet<string>;
}

/**
 * `${matrix.mtu}` without quotes becomes the typed value of the axis. In quotes, everything is text. A key or an item
 * whose value is only an axis, quoted or not, is removed if the axis is empty.
 */
export function fillJson(object: WrittenObject, { cell, mode }: FillJson): WrittenObject {
  const fill = (text: string) => fillText(text, { cell: cell.values, mode });
  const isThere = (value: WrittenJson): boolean => {
    const axis = 'text' in value ? /^\$\{matrix\.([^}]+)\}$/.exec(value.text)?.[1] : undefined;
    return axis === undefined || (cell.values[axis] ?? '') !== '';
  };
  const fillValue = (value: WrittenJson): WrittenJson => {
    switch (value.is) {
      case 'mapping':
        return fillObject(value);
      case 'list':
        return { is: 'list', items: value.items.filter(isThere).map(fillValue) };
      case 'axis': {
        const axis = value.text.slice('${matrix.'.length, -1);
        const plain = cell.plain.has(axis) ? cell.values[axis] : undefined;
        return plain === undefined ? { is: 'text', text: fill(value.text) } : { is: 'plain', source: plain };
      }
      case 'text':
        return { is: 'text', text: fill(value.text) };
      case 'plain':
        return value;
      default:
        return unreachable(value);
    }
  };
  const fillObject = ({ entries }: WrittenObject): WrittenObject => ({
    is: 'mapping',
    entries: entries
      .filter(([, value]) => isThere(value))
      .map(([key, value]) => [fill(key), fillValue(value)] as const),
  });
  return fillObject(object);
}

export function fillFile(file: FileSpec, options: FillJson): FileSpec {
  const { name, content, encoding, mapping, mode, place } = file;
  const cell = options.cell.values;
  const filledContent = () => {
    if (mapping !== undefined) return formatWritten(fillJson(mapping, options));
    return encoding === undefined ? fillText(content, { cell, mode: options.mode }) : content;
  };
  return {
    name: fillText(name, { cell, mode: 'final' }),
    content: filledContent(),
    ...(encoding === undefined ? {} : { encoding }),
    ...(mode === undefined ? {} : { mode }),
    place,
  };
}

/** A script with its texts filled in, and its results as plain data. */
export function fillFake(script: FakeScript<WrittenObject>, cell: FilledCell): FakeScript {
  const final = (text: string) => fillText(text, { cell: cell.values, mode: 'final' });
  const fillAnswer = (answer: FakeAnswer<WrittenObject>): FakeAnswer => {
    if ('result' in answer) return { result: valueOf(fillJson(answer.result, { cell, mode: 'final' })) };
    if ('versions' in answer) return { versions: answer.versions.map(final) };
    if ('print' in answer) {
      const { content, encoding } = answer.print;
      return { print: encoding === undefined ? { content: final(content) } : answer.print };
    }
    const { code, msg, details } = answer.error;
    return {
      error: { code, msg: final(msg), ...(details === undefined ? {} : { details: final(details) }) },
    };
  };
  const fillBehaviour = ({ answer, stderr, ...rest }: FakeBehaviour<WrittenObject>): FakeBehaviour => ({
    ...rest,
    ...(stderr === undefined ? {} : { stderr: final(stderr) }),
    ...(answer === undefined ? {} : { answer: fillAnswer(answer) }),
  });
  return Object.fromEntries(Object.entries(script).map(([verb, list]) => [verb, list.map(fillBehaviour)]));
}

export function fillPod(pod: PodSpec, cell: Cell): PodSpec {
  const { annotations, labels, hostPorts, namespace, uid, hostname, dns, sysctls, runtimeHandler } = pod;
  const fill = (text: string) => fillText(text, { cell, mode: 'final' });
  const fillAll = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, fill(text)]));
  return {
    ...pod,
    annotations: fillAll(annotations),
    labels: fillAll(labels),
    hostPorts: hostPorts.map((port) => ({
      ...port,
      ...(port.hostIp === undefined ? {} : { hostIp: fill(port.hostIp) }),
    })),
    ...(namespace === undefined ? {} : { namespace: fill(namespace) }),
    ...(uid === undefined ? {} : { uid: fill(uid) }),
    ...(hostname === undefined ? {} : { hostname: fill(hostname) }),
    ...(dns === undefined
      ? {}
      : { dns: Object.fromEntries(Object.entries(dns).map(([key, texts]) => [key, texts.map(fill)])) }),
    ...(sysctls === undefined ? {} : { sysctls: fillAll(sysctls) }),
    ...(runtimeHandler === undefined ? {} : { runtimeHandler: fill(runtimeHandler) }),
  };
}

/** Texts of expectations stay templates, because only the judge knows the value of `${web.id}`. */
export function fillExpectation(expectation: Expectation, filled: FilledCell): Expectation {
  const cell = filled.values;
  const { calls, noCalls, callOrder, cluster } = expectation;
  const fillCalls = (all: readonly CallExpectation[]) => all.map((call) => fillCall(call, filled));
  const { error, output, networkReady, pod, pods, container, containers, leftBehind, log, noLog } =
    expectation;
  return {
    ...expectation,
    ...(error === undefined ? {} : { error: fillExpectedText(error, cell) }),
    ...(output === undefined ? {} : { output: fillExpectedText(output, cell) }),
    ...(networkReady === undefined ? {} : { networkReady: fillNetwork(networkReady, cell) }),
    ...(pod === undefined ? {} : { pod: fillExpectedPod(pod, cell) }),
    ...(pods === undefined ? {} : { pods: fillExpectedPods(pods, cell) }),
    ...(container === undefined ? {} : { container: fillContainer(container, cell) }),
    ...(containers === undefined
      ? {}
      : {
          containers: Object.fromEntries(
            Object.entries(containers).map(([name, one]) => [name, fillContainer(one, cell)]),
          ),
        }),
    ...(leftBehind === undefined ? {} : { leftBehind: fillLeftBehind(leftBehind, cell) }),
    log: log.map((line) => fillLog(line, cell)),
    noLog: noLog.map((line) => fillLog(line, cell)),
    ...(calls === undefined ? {} : { calls: fillCalls(calls) }),
    ...(noCalls === undefined ? {} : { noCalls: fillCalls(noCalls) }),
    ...(callOrder === undefined ? {} : { callOrder: fillCalls(callOrder) }),
    ...(cluster === undefined ? {} : { cluster: fillCluster(cluster, cell) }),
  };
}

export function fillCluster(
  { nodes, events, noEvents, ...rest }: ClusterExpectation,
  cell: Cell,
): ClusterExpectation {
  const withTexts = <T extends { reason?: unknown; message?: TextExpectation }>(one: T): T => ({
    ...one,
    ...(one.message === undefined ? {} : { message: fillExpectedText(one.message, cell) }),
  });
  return {
    ...rest,
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([name, { reason, ...node }]) => [
        name,
        {
          ...withTexts(node),
          ...(reason === undefined ? {} : { reason: fillExpectedText(reason, cell) }),
        },
      ]),
    ),
    events: events.map(withTexts),
    noEvents: noEvents.map(withTexts),
  };
}

function fillCall(call: CallExpectation, filled: FilledCell): CallExpectation {
  const { env, input, output, error, stderr } = call;
  const text = (one: TextExpectation) => fillExpectedText(one, filled.values);
  const json = (one: WrittenObject) => fillJson(one, { cell: filled, mode: 'template' });
  return {
    ...call,
    env: Object.fromEntries(Object.entries(env).map(([name, one]) => [name, text(one)])),
    ...(input === undefined ? {} : { input: json(input) }),
    ...(output === undefined ? {} : { output: json(output) }),
    ...(stderr === undefined ? {} : { stderr: text(stderr) }),
    ...(error === undefined
      ? {}
      : {
          error: {
            ...error,
            ...(error.message === undefined ? {} : { message: text(error.message) }),
            ...(error.details === undefined ? {} : { details: text(error.details) }),
          },
        }),
  };
}

export const fillControl = (control: Control, cell: Cell): Control => ({
  ...control,
  message: fillExpectedText(control.message, cell),
});

const fillContainer = (
  { reason, message, ...container }: ContainerExpectation,
  cell: Cell,
): ContainerExpectation => ({
  ...container,
  ...(reason === undefined ? {} : { reason: fillExpectedText(reason, cell) }),
  ...(message === undefined ? {} : { message: fillExpectedText(message, cell) }),
});

export const fillNetwork = (
  { reason, message, ...network }: NetworkExpectation,
  cell: Cell,
): NetworkExpectation => ({
  ...network,
  ...(reason === undefined ? {} : { reason: fillExpectedText(reason, cell) }),
  ...(message === undefined ? {} : { message: fillExpectedText(message, cell) }),
});

export function fillLog(line: LogExpectation, cell: Cell): LogExpectation {
  const fields = Object.entries(line.fields).map(
    ([key, text]) => [key, fillText(text, { cell, mode: 'template' })] as const,
  );
  return { ...line, message: fillExpectedText(line.message, cell), fields: Object.fromEntries(fields) };
}

function fillExpectedText(text: TextExpectation, cell: Cell): TextExpectation {
  if ('exact' in text) return { ...text, exact: fillText(text.exact, { cell, mode: 'template' }) };
  return { ...text, contains: fillText(text.contains, { cell, mode: 'template' }) };
}

function fillExpectedPod(pod: PodExpectation, cell: Cell): PodExpectation {
  const { ips, leftBehind } = pod;
  return {
    ...pod,
    ...(typeof ips === 'object' ? { ips: ips.map((ip) => fillText(ip, { cell, mode: 'final' })) } : {}),
    ...(leftBehind === undefined ? {} : { leftBehind: fillLeftBehind(leftBehind, cell) }),
  };
}

function fillExpectedPods(
  pods: NonNullable<Expectation['pods']>,
  cell: Cell,
): NonNullable<Expectation['pods']> {
  if (pods === 'none') return pods;
  return Object.fromEntries(Object.entries(pods).map(([name, pod]) => [name, fillExpectedPod(pod, cell)]));
}

function fillLeftBehind(leftBehind: LeftBehindExpectation, cell: Cell): LeftBehindExpectation {
  if (leftBehind.none) return leftBehind;
  const template = (name: string) => fillText(name, { cell, mode: 'template' });
  const kinds = Object.entries(leftBehind.kinds).map(
    ([kind, amount]) => [kind, typeof amount === 'number' ? amount : amount.map(template)] as const,
  );
  return { ...leftBehind, kinds: Object.fromEntries(kinds) };
}

import { FAKE_HANGS, FAKE_SIGNALS, type FakePlugin } from '../core/fake-plugin.ts';
import { BadInput } from '../core/lab-error.ts';
import { STATE_KINDS, type NodeLimits } from '../core/node-state.ts';
import { BACKENDS, type NodeExecOptions } from '../nodes/node.ts';
import { CALL_VERBS, shortCall } from '../spec/call-shape.ts';
import { answerMistake, delegateMistake, endsTwice, ONE_ANSWER, PLUGIN_NAME } from '../spec/fake-shape.ts';
import { PROTOCOLS } from '../spec/pod-shape.ts';
import { IN_EVERY_TEXT, isInEveryText } from '../spec/template.ts';
import { LEAST_MEMORY_BYTES, LEAST_PROCESSES, LIMITS } from '../spec/limits.ts';
import { NAME, NAME_WANTED, nameMistake, whyNoName, whyNoPath, addressMistake } from '../spec/text-shapes.ts';
import { parseVersionSpec } from '../spec/version-spec.ts';
import * as check from './check.ts';
import type { ExpectedError } from './matchers.ts';
import type { CountedCall, ExpectedCallParts } from './plugin-calls.ts';
import { fakeScriptOf, type PluginScript, type ScriptedCall } from './plugin-script.ts';
import type { StartOptions } from './start-node.ts';
import type { PodRequest } from './started-node.ts';

/**
 * The arguments of each method of the library. They have the same names as in scenario files where they mean the same.
 */
const quoted = (value: string): string => JSON.stringify(value);

const version = check.textThat((value) => {
  const spec = parseVersionSpec(value);
  return spec.ok ? undefined : spec.error;
});
const podName = check.textThat((value) =>
  NAME.test(value) ? nameMistake(value) : `wanted ${NAME_WANTED}; got ${quoted(value)}`,
);
const pluginName = check.textThat((value) =>
  PLUGIN_NAME.test(value) ? undefined : `wanted the name of a plugin; got ${quoted(value)}`,
);
const port = check.wholeNumber({ min: 1, max: 65_535 });
const texts = check.mapOf(check.text);

const error = ((value, at) => {
  if (typeof value === 'string') return;
  check.object<Exclude<ExpectedError, string>>({
    contains: check.textThat((part) => (isInEveryText(part) ? IN_EVERY_TEXT : undefined)),
    why: check.textThat((why) => (why === '' ? 'wanted why not the whole; got ""' : undefined)),
  })(value, at);
}) as check.Check;

/** The expected parts of a call; with `times`, also the number of such calls. */
const CALL: check.Checks<ExpectedCallParts> = {
  plugin: check.optional(pluginName),
  verb: check.optional(check.word(CALL_VERBS)),
  within: check.optional(pluginName),
  by: check.optional(check.text),
  env: check.optional(check.mapOf(error)),
  noEnv: check.optional(check.listOf(check.text)),
  netns: check.optional(check.word(['present', 'missing', 'none'])),
  input: check.optional(check.jsonObject),
  noInput: check.optional(check.listOf(check.text)),
  output: check.optional(check.jsonObject),
  exitCode: check.optional(check.wholeNumber({ min: 0, max: 255 })),
  signal: check.optional(
    check.textThat((value) =>
      /^SIG[A-Z0-9]+$/.test(value) ? undefined : `wanted a signal such as SIGKILL; got ${quoted(value)}`,
    ),
  ),
  error: check.optional((value, at) => {
    if (typeof value === 'string') return;
    check.object<Exclude<NonNullable<ExpectedCallParts['error']>, string>>({
      code: check.optional(check.wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER })),
      message: check.optional(error),
      details: check.optional(error),
    })(value, at);
  }),
  stderr: check.optional(error),
  ended: check.optional(check.boolean),
};

const callOrName =
  (ofObject: check.Check): check.Check =>
  (value, at) => {
    if (typeof value !== 'string') return ofObject(value, at);
    const short = shortCall(value);
    if (!short.ok) throw new BadInput(`${at}: ${short.error}`);
  };

const scriptedCall: check.Check = (value, at) => {
  if (value === 'ok') return;
  check.object<Exclude<ScriptedCall, string>>({
    delegate: check.optional(pluginName),
    delegateAfter: check.optional(pluginName),
    delayMs: check.optional(check.wholeNumber({ min: 0, max: LIMITS.timeoutMs })),
    stderr: check.optional(check.text),
    result: check.optional(check.jsonObject),
    error: check.optional(
      check.object<NonNullable<Exclude<ScriptedCall, string>['error']>>({
        code: check.wholeNumber({ min: 1, max: 4_294_967_295 }),
        msg: check.text,
        details: check.optional(check.text),
      }),
    ),
    print: check.optional(check.bytesOrText),
    versions: check.optional(check.listOf(check.text)),
    exitCode: check.optional(check.wholeNumber({ min: 0, max: 255 })),
    signal: check.optional(check.word(FAKE_SIGNALS)),
    hang: check.optional(check.word(FAKE_HANGS)),
  })(value, at);
  const call = value as Exclude<ScriptedCall, string>;
  const answers = [call.result, call.error, call.print, call.versions].filter((one) => one !== undefined);
  if (answers.length > 1) throw new BadInput(`${at}: ${ONE_ANSWER}`);
  if (endsTwice(call)) throw new BadInput(`${at}: it ends with an exitCode, by a signal, or never (hang)`);
};
const scriptedCalls = check.optional((value, at) =>
  Array.isArray(value) ? check.listOf(scriptedCall, { min: 1 })(value, at) : scriptedCall(value, at),
);

export const INPUTS = {
  version,
  pluginsVersion: ((value, at) => (value === 'none' ? undefined : version(value, at))) as check.Check,
  backend: check.word(['auto', ...BACKENDS]),
  hostPath: check.textThat((value) => (value === '' ? 'wanted the path of a file; got ""' : undefined)),
  configName: check.textThat(whyNoName),
  nodePath: check.textThat(whyNoPath),
  mode: check.optional(check.wholeNumber({ min: 0, max: 0o7777 })),
  content: check.bytesOrText,
  json: check.jsonObject,
  limits: check.object<NodeLimits>({
    memoryBytes: check.optional(check.wholeNumber({ min: LEAST_MEMORY_BYTES, max: Number.MAX_SAFE_INTEGER })),
    processes: check.optional(check.wholeNumber({ min: LEAST_PROCESSES, max: 999_999_999 })),
    tmpfsBytes: check.optional(check.wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  }),
  podName,
  argv: check.listOf(check.text, { min: 1 }),
  address: check.textThat((value) =>
    value.includes('${')
      ? `wanted an address and a port, as a program knows them; got ${quoted(value)}`
      : addressMistake(value),
  ),
  start: check.object<StartOptions>({
    signal: check.optional(check.wanted('an AbortSignal', (value) => value instanceof AbortSignal)),
    onProgress: check.optional(check.aFunction),
  }),
  pod: check.object<PodRequest>({
    name: check.optional(podName),
    hostPorts: check.optional(
      check.listOf(
        check.object<NonNullable<PodRequest['hostPorts']>[number]>({
          hostPort: port,
          containerPort: port,
          protocol: check.optional(check.word(PROTOCOLS)),
          hostIp: check.optional(check.text),
        }),
      ),
    ),
    annotations: check.optional(texts),
    labels: check.optional(texts),
    hostNetwork: check.optional(check.boolean),
    namespace: check.optional(check.text),
    uid: check.optional(check.text),
    hostname: check.optional(check.text),
    dns: check.optional(
      check.object<NonNullable<PodRequest['dns']>>({
        servers: check.optional(check.listOf(check.text)),
        searches: check.optional(check.listOf(check.text)),
        options: check.optional(check.listOf(check.text)),
      }),
    ),
    sysctls: check.optional(texts),
    namespaces: check.optional(
      check.object<NonNullable<PodRequest['namespaces']>>({
        pid: check.optional(check.word(['pod', 'container', 'node'])),
        ipc: check.optional(check.word(['pod', 'node'])),
        user: check.optional(check.word(['pod', 'node'])),
      }),
    ),
    runtimeHandler: check.optional(check.text),
  }),
  exec: check.optional(
    check.object<NodeExecOptions>({
      stdin: check.optional(check.wanted('a text', (value) => typeof value === 'string')),
      env: check.optional(texts),
      cwd: check.optional(check.text),
      timeoutMs: check.optional(check.wholeNumber({ min: 1, max: LIMITS.timeoutMs })),
    }),
  ),
  connect: check.object<{ send?: string }>({ send: check.optional(check.text) }),
  remove: check.object<{ force?: boolean }>({ force: check.optional(check.boolean) }),
  error,
  pluginName,
  script: check.object<PluginScript>({
    ...{ add: scriptedCalls, del: scriptedCalls, check: scriptedCalls, status: scriptedCalls },
    ...{ version: scriptedCalls, gc: scriptedCalls, others: scriptedCalls },
  }),
  countedCall: callOrName(
    check.object<CountedCall>({
      ...CALL,
      times: check.optional(check.wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    }),
  ),
  callOrder: check.listOf(callOrName(check.object<ExpectedCallParts>(CALL)), { min: 2 }),
  leftBehind: check.object(
    Object.fromEntries(
      [...STATE_KINDS, 'shared'].map((kind): [string, check.Check] => [kind, check.optional(countOrNames)]),
    ),
  ),
} as const;

function countOrNames(value: unknown, at: string): void {
  if (Array.isArray(value)) check.listOf(check.text)(value, at);
  else
    check.wanted(
      'a whole number or a list of names',
      (number) => Number.isSafeInteger(number) && Number(number) >= 0,
    )(value, at);
}

/** A scripted plugin from a test. Throws BadInput. `at` is the name of the called method. */
export function scriptedPlugin(at: string, plugin: string, given: PluginScript): FakePlugin {
  INPUTS.pluginName(plugin, at);
  INPUTS.script(given, at);
  const script = fakeScriptOf(given);
  const mistakes = Object.entries(script).flatMap(([verb, calls]) =>
    calls.flatMap((call) => {
      const mistake = answerMistake(verb, call);
      return mistake === undefined ? [] : [`${at} ${verb}: ${mistake}`];
    }),
  );
  const itself = delegateMistake({ plugin, script });
  const [mistake] = [...mistakes, ...(itself === undefined ? [] : [`${at}: ${itself}`])];
  if (mistake !== undefined) throw new BadInput(mistake);
  return { plugin, script };
}

import { STATE_KINDS, type NodeLimits } from '../core/node-state.ts';
import { BACKENDS, type NodeExecOptions } from '../nodes/node.ts';
import { PROTOCOLS } from '../spec/pod-shape.ts';
import { IN_EVERY_TEXT, isInEveryText } from '../spec/template.ts';
import { LEAST_MEMORY_BYTES, LEAST_PROCESSES, LIMITS } from '../spec/limits.ts';
import { NAME, NAME_WANTED, nameMistake, whyNoName, whyNoPath, addressMistake } from '../spec/text-shapes.ts';
import { parseVersionSpec } from '../spec/version-spec.ts';
import * as check from './check.ts';
import type { ExpectedError } from './matchers.ts';
import type { StartOptions } from './start-node.ts';
import type { PodRequest } from './started-node.ts';

/** What each method of the library takes. The words are those of scenario files, where they are the same thing. */
const quoted = (value: string): string => JSON.stringify(value);

const version = check.textThat((value) => {
  const spec = parseVersionSpec(value);
  return spec.ok ? undefined : spec.error;
});
const podName = check.textThat((value) =>
  NAME.test(value) ? nameMistake(value) : `wanted ${NAME_WANTED}; got ${quoted(value)}`,
);
const port = check.wholeNumber({ min: 1, max: 65_535 });
const texts = check.mapOf(check.text);

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
  error: ((value, at) => {
    if (typeof value === 'string') return;
    check.object<Exclude<ExpectedError, string>>({
      contains: check.textThat((part) => (isInEveryText(part) ? IN_EVERY_TEXT : undefined)),
      why: check.textThat((why) => (why === '' ? 'wanted why not the whole; got ""' : undefined)),
    })(value, at);
  }) as check.Check,
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

import { err, ok, type Result } from '../core/lab-error.ts';
import { bool, text, wholeNumber, word } from './scalar-shapes.ts';
import type { CallExpectation, TextExpectation } from './scenario.ts';
import { object, present } from './object-shape.ts';
import { about, byKind, list, mapOf, mapped, named, notEmpty, oneOrMany, type Shape } from './shape.ts';
import { exactOrPart, forTexts, template } from './text-shapes.ts';
import { jsonShape, type WrittenJson, type WrittenObject } from './written-json.ts';
import type { YamlValue } from './yaml-value.ts';

export const CALL_VERBS = ['ADD', 'DEL', 'CHECK', 'STATUS', 'VERSION', 'GC'] as const;
/** `bridge ADD`, `bridge > host-local ADD` */
const SHORT = /^(?:([\w.-]+) > )?([\w.-]+) ([A-Z]+)$/;
const PLUGIN = about(
  'the name of a plugin',
  mapped(text({ wanted: 'the name of a plugin', pattern: /^[\w.-]+$/ }), (name, spot) => {
    spot.mention({ kind: 'plugin', name });
    return name;
  }),
);

const textsByName = (what: string): Shape<Readonly<Record<string, TextExpectation>>> =>
  mapped(
    notEmpty(mapOf(exactOrPart, { build: (value, name) => [name, value] as const }), `name a ${what}`),
    (pairs) => Object.fromEntries(pairs),
  );

const errorShape: Shape<NonNullable<CallExpectation['error']>> = byKind<
  NonNullable<CallExpectation['error']>
>({
  ...forTexts(mapped(template('expectation'), (exact, { place }) => ({ message: { exact, place } }))),
  mapping: notEmpty(
    object(
      {
        required: {},
        optional: {
          code: about('the code of the error', wholeNumber({ min: 0 })),
          message: about('its msg', exactOrPart),
          details: about('its details', exactOrPart),
        },
        otherWords: { msg: 'it is called message' },
      },
      (values) => present(values),
    ),
    'write the code or the message of the error',
  ),
});

const partialJson = jsonShape({ reach: 'expectation', numbers: 'doubles' });

const keys = {
  plugin: PLUGIN,
  verb: about('default: any', word(CALL_VERBS)),
  within: about(
    'the plugin that made the call; none: it was made by no plugin',
    mapped(text(), (name, spot) => {
      if (name !== 'none') spot.mention({ kind: 'plugin', name });
      return name;
    }),
  ),
  by: about('the name of the process that made the call', text()),
  env: about('CNI_… variables', textsByName('variable')),
  'no-env': about('CNI_… variables that are not set', oneOrMany(text())),
  netns: about(
    'whether CNI_NETNS leads to a namespace: present, missing, or none where it names none',
    word(['present', 'missing', 'none']),
  ),
  input: about(
    'keys of the configuration on standard input, with their values; it may have others',
    partialJson,
  ),
  'no-input': about('keys that the configuration does not have: prevResult, ipam.dns', oneOrMany(text())),
  output: about('keys of the result on standard output, with their values; it may have others', partialJson),
  'exit-code': about('of the plugin', wholeNumber({ min: 0, max: 255 })),
  signal: about(
    'that ended it, such as SIGKILL',
    text({ wanted: 'a signal such as SIGKILL', pattern: /^SIG[A-Z0-9]+$/ }),
  ),
  error: about('the message of the error that it printed; or its code, message and details', errorShape),
  stderr: about('the whole standard error; a line break at its end does not count', exactOrPart),
  ended: about('false: the call goes on until the node ends', bool),
};
const keysAndTimes = {
  ...keys,
  times: about('how many such calls there are; default: one at least', wholeNumber({ min: 1 })),
};

type Values = { readonly [K in keyof typeof keys]?: (typeof keys)[K] extends Shape<infer T> ? T : never };

const callOf = (
  values: Values & { readonly times?: number | undefined },
  { place }: YamlValue,
): CallExpectation => ({
  place,
  env: values.env ?? {},
  noEnv: values['no-env'] ?? [],
  noInput: values['no-input'] ?? [],
  ...present({
    plugin: values.plugin,
    verb: values.verb,
    within: values.within,
    by: values.by,
    times: values.times,
    netns: values.netns,
    input: values.input,
    output: values.output,
    exitCode: values['exit-code'],
    signal: values.signal,
    error: values.error,
    stderr: values.stderr,
    ended: values.ended,
  }),
});

/** `bridge ADD`, or `bridge > host-local ADD` for a call that a plugin makes. */
const short: Shape<CallExpectation> = mapped(
  text({ wanted: 'a call such as bridge ADD', pattern: SHORT }),
  (line, spot) => {
    const call = shortCall(line);
    if (!call.ok) return spot.mistake(call.error);
    const { within, plugin } = call.value;
    for (const name of [within, plugin]) if (name !== undefined) spot.mention({ kind: 'plugin', name });
    return callOf(call.value, spot);
  },
);

type ShortCall = {
  readonly plugin: string;
  readonly verb: (typeof CALL_VERBS)[number];
  readonly within?: string;
};

/** The call that such a text names, or what is wrong with it. */
export function shortCall(line: string): Result<ShortCall, string> {
  const [, within, plugin, verb] = SHORT.exec(line) ?? [];
  if (plugin === undefined) return err(`wanted a call such as bridge ADD; got ${JSON.stringify(line)}`);
  const known = CALL_VERBS.find((one) => one === verb);
  return known === undefined
    ? err(`no verb of CNI is called ${verb}; there are ${CALL_VERBS.join(', ')}`)
    : ok({ plugin, verb: known, ...present({ within }) });
}

const INSTEAD = 'write a call such as bridge ADD, or { plugin: bridge, verb: ADD }';

/** A call that is expected once, or a given number of times. */
export const countedCallShape: Shape<CallExpectation> = named(
  'counted-call',
  byKind<CallExpectation>({
    text: short,
    mapping: notEmpty(object({ required: {}, optional: keysAndTimes }, callOf), INSTEAD),
  }),
);

/** A call that must not happen, or that is part of an order. */
export const callShape: Shape<CallExpectation> = named(
  'call',
  byKind<CallExpectation>({
    text: short,
    mapping: notEmpty(
      object({ required: {}, optional: keys }, (values, spot) => callOf(values, spot)),
      INSTEAD,
    ),
  }),
);

/** At least two calls, because a single one has no order. */
export const callOrderShape: Shape<readonly CallExpectation[]> = mapped(list(callShape), (calls, spot) =>
  calls.length < 2 ? spot.mistake('an order is of two calls or more; write a single one as calls') : calls,
);

/** Every text of an expectation that can contain names. */
export const textsOfCall = ({ env, input, output, error, stderr }: CallExpectation): readonly string[] => [
  ...[...Object.values(env), error?.message, error?.details, stderr].flatMap((text) =>
    text === undefined ? [] : ['exact' in text ? text.exact : text.contains],
  ),
  ...[input, output].flatMap((object) => (object === undefined ? [] : textsIn(object))),
];

function textsIn(value: WrittenJson | WrittenObject): readonly string[] {
  if (value.is === 'mapping') return value.entries.flatMap(([key, inner]) => [key, ...textsIn(inner)]);
  if (value.is === 'list') return value.items.flatMap(textsIn);
  return value.is === 'plain' ? [] : [value.text];
}

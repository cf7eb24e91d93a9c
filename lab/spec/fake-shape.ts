import {
  CNI_VERBS,
  FAKE_HANGS,
  FAKE_SIGNALS,
  type FakeAnswer,
  type FakeBehaviour,
  type FakePlugin,
  type FakeScript,
} from '../core/fake-plugin.ts';
import { mentioning } from './mention.ts';
import { object, present } from './object-shape.ts';
import { parseTime } from './limits.ts';
import { text, wholeNumber, word } from './scalar-shapes.ts';
import { about, allRead, byKind, list, mapped, named, notEmpty, type Shape } from './shape.ts';
import { contentShape, forTexts, template } from './text-shapes.ts';
import { jsonShape, type WrittenObject } from './written-json.ts';
import type { YamlValue } from './yaml-value.ts';

type Behaviour = FakeBehaviour<WrittenObject>;
type Answer = FakeAnswer<WrittenObject>;
type Script = FakeScript<WrittenObject>;

/** Names of scripted plugins and of plugins that they call. */
export const PLUGIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

const delegateShape = mentioning(text({ wanted: 'the name of a plugin', pattern: PLUGIN_NAME }), (name) => ({
  kind: 'words',
  text: name,
}));

const delayMs: Shape<number> = mapped(
  text({ wanted: 'a time such as 200ms or 2s', pattern: /^\d+(ms|s|m|h)$/ }),
  (value, spot) => {
    const time = parseTime(value);
    return time.ok ? time.value : spot.mistake(`${time.error}; got "${value}"`);
  },
);

const errorShape = object(
  {
    required: {
      code: about('below 100 it is one of CNI itself', wholeNumber({ min: 1, max: 4_294_967_295 })),
      msg: about('what is wrong, in short', template('matrix')),
    },
    optional: { details: about('what is wrong, at length', template('matrix')) },
  },
  ({ code, msg, details }) => ({ code, msg, ...present({ details }) }),
);

const behaviourOfMapping: Shape<Behaviour> = object(
  {
    required: {},
    optional: {
      delegate: about('a real plugin that is called first', delegateShape),
      'delegate-after': about('a real plugin that is called after all else', delegateShape),
      delay: about('before it answers: 200ms, 2s', delayMs),
      stderr: about('what it prints on standard error', template('matrix')),
      result: about(
        'of ADD; cniVersion is the one that was asked for, where none stands here',
        jsonShape({ reach: 'matrix', numbers: 'doubles' }),
      ),
      error: about('an error of CNI; the exit code is 1', errorShape),
      print: about('on standard output, as it is; or { from: ./x }', contentShape('matrix')),
      versions: about('that it supports; of VERSION', list(template('matrix'))),
      'exit-code': about('default: 0, or 1 with an error', wholeNumber({ min: 0, max: 255 })),
      signal: about('that it dies by', word(FAKE_SIGNALS)),
      hang: about(
        'what never ends: the plugin, a child that keeps its output open, or both',
        word(FAKE_HANGS),
      ),
    },
    otherWords: {
      wait: 'it is called delay',
      sleep: 'it is called delay',
      output: 'it is called print',
      stdout: 'it is called print',
      fail: 'it is called error: { code: 7, msg: … }',
      succeed: 'write ok in place of the mapping, or a result',
    },
  },
  (values, spot): Behaviour | undefined => {
    const { result, error, print, versions, delegate, delay, stderr, signal, hang } = values;
    const answers: readonly Answer[] = [
      ...(result === undefined ? [] : [{ result }]),
      ...(error === undefined ? [] : [{ error }]),
      ...(print === undefined ? [] : [{ print }]),
      ...(versions === undefined ? [] : [{ versions }]),
    ];
    const [answer, second] = answers;
    const exitCode = values['exit-code'];
    if (second !== undefined) return spot.mistake(ONE_ANSWER);
    if (endsTwice({ exitCode, signal, hang }))
      return spot.mistake('it ends with an exit-code, by a signal, or never (hang)');
    return present({
      delegate,
      delegateAfter: values['delegate-after'],
      delayMs: delay,
      stderr,
      answer,
      exitCode,
      signal,
      hang,
    });
  },
);

const one: Shape<Behaviour> = byKind<Behaviour>({
  text: mapped(word(['ok']), () => ({})),
  mapping: notEmpty(behaviourOfMapping, 'write ok for a call that succeeds'),
});
const several = list(one, { min: 1 });
const behaviours: Shape<readonly Behaviour[]> = named(
  'fake-behaviour',
  byKind<readonly Behaviour[]>({
    ...forTexts(mapped(one, (behaviour) => [behaviour])),
    mapping: mapped(one, (behaviour) => [behaviour]),
    list: several,
  }),
);

export const ONE_ANSWER = 'it answers with one of result, error, print and versions';

/** Whether a behaviour specifies more than one way to end. */
export const endsTwice = ({
  exitCode,
  signal,
  hang,
}: {
  readonly [K in 'exitCode' | 'signal' | 'hang']?: FakeBehaviour[K] | undefined;
}): boolean =>
  [exitCode !== undefined, signal !== undefined, hang === 'plugin' || hang === 'both'].filter(Boolean)
    .length > 1;

/** What is wrong with an answer to this verb. */
export const answerMistake = (
  verb: string,
  { answer }: Pick<FakeBehaviour<unknown>, 'answer'>,
): string | undefined => {
  if (answer === undefined || verb === 'others') return undefined;
  if ('result' in answer && verb !== 'add') return 'only add has a result; print: prints anything';
  return 'versions' in answer && verb !== 'version' ? 'only version has versions' : undefined;
};

/** What a scripted plugin does, by verb. A verb without an entry, if there are no `others`, succeeds. */
export const fakeScriptShape: Shape<Script> = named(
  'fake',
  object(
    {
      required: {},
      optional: {
        add: about('ok, what it does, or a list with one for each call', behaviours),
        del: about('of DEL', behaviours),
        check: about('of CHECK', behaviours),
        status: about('of STATUS', behaviours),
        version: about('of VERSION', behaviours),
        gc: about('of GC', behaviours),
        others: about('of all verbs that are not named', behaviours),
      },
      otherWords: {
        any: 'it is called others',
        default: 'it is called others',
      },
    },
    (values, spot): Script | undefined => {
      const wrong = [...CNI_VERBS, 'others' as const].map((verb) => {
        const why = values[verb]?.flatMap((behaviour) => answerMistake(verb, behaviour) ?? [])[0];
        const at = spot.entries.find(({ name }) => name === verb)?.value ?? spot;
        return why === undefined ? true : at.mistake(why);
      });
      return allRead(wrong) && present(values);
    },
  ),
);

/** Whether it would call itself forever, which is a mistake. */
export function delegatesToItself(fake: FakePlugin<WrittenObject>, spot: YamlValue): boolean {
  const mistake = delegateMistake(fake);
  if (mistake !== undefined) spot.mistake(mistake);
  return mistake !== undefined;
}

/** What is wrong with the delegates of a scripted plugin. */
export function delegateMistake({ plugin, script }: FakePlugin<unknown>): string | undefined {
  const delegates = Object.values(script)
    .flat()
    .flatMap(({ delegate, delegateAfter }) => [delegate, delegateAfter]);
  return delegates.includes(plugin)
    ? `"${plugin}" would call itself: give the scripted plugin a name of its own, and name that in the conflist`
    : undefined;
}

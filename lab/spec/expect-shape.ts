import { STATE_KINDS, type StateKind } from '../core/node-state.ts';
import { RUNTIME_STATES } from '../core/runtime-state.ts';
import { present } from './present.ts';
import { bool, wholeNumber, word } from './scalar-shapes.ts';
import type { Expectation, LeftBehindExpectation, LogExpectation, PodExpectation } from './scenario.ts';
import type { Scope } from './scope.ts';
import { object } from './object-shape.ts';
import { about, byKind, list, mapOf, mapped, named, notEmpty, oneOrMany, type Shape } from './shape.ts';
import { forTexts, type TextShapes } from './text-shapes.ts';
import { whenShape } from './when-shape.ts';

export const POD_STATES = ['ready', 'not-ready', 'absent'] as const;
const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'fatal', 'panic'] as const;
const LEFT_BEHIND_KINDS = [...STATE_KINDS, 'shared'] as const;

/** What `expect` may hold after a step; a list of branches, of which one applies to each cell, or a single one. */
export function stepExpectShape(scope: Scope, texts: TextShapes): Shape<readonly Expectation[]> {
  const common = commonKeys(scope, texts);
  const expectation = object(
    {
      required: {},
      optional: {
        ok: about('whether the step succeeds', bool),
        error: about(
          'the whole error, without what crictl puts around it; the step fails',
          texts.exactOrPart,
        ),
        output: about(
          'the whole standard output of the command; a line break at its end counts where this text has one',
          texts.exactOrPart,
        ),
        'exit-code': about('of the command', wholeNumber({ min: 0, max: 255 })),
        'timed-out': about('whether the step runs into its own limit, so that there is no answer', bool),
        pod: about("state and addresses of the step's pod", podShape(texts)),
        ...common,
      },
    },
    (
      { ok, error, output, 'exit-code': exitCode, 'timed-out': timedOut, pod, ...rest },
      spot,
    ): Expectation | undefined => {
      if (ok === true && error !== undefined) {
        return spot.mistake('"ok: true" contradicts "error"; leave "ok" out');
      }
      const answer = Object.entries({ ok, error, output, 'exit-code': exitCode });
      const [asked] = answer.find(([, value]) => value !== undefined) ?? [];
      if (timedOut === true && asked !== undefined) {
        return spot.mistake(`"timed-out: true" says that there is no answer; leave "${asked}" out`);
      }
      const success = error === undefined ? ok : false;
      return {
        ...commonExpectation(rest),
        place: spot.place,
        ...present({ ok: success, error, output, exitCode, timedOut, pod }),
      };
    },
  );
  return oneOrMany(named('expectation', notEmpty(expectation, 'leave "expect" out, or write "ok: true"')));
}

/** What `expect` may hold at the end of a file: of the node, not of a command. */
export function endExpectShape(scope: Scope, texts: TextShapes): Shape<readonly Expectation[]> {
  const expectation = object({ required: {}, optional: commonKeys(scope, texts) }, (values, spot) => ({
    ...commonExpectation(values),
    place: spot.place,
  }));
  return oneOrMany(named('end-expectation', notEmpty(expectation, 'leave "expect" out')));
}

/** What `node` may expect of its start. */
export function startExpectShape(scope: Scope, texts: TextShapes): Shape<readonly Expectation[]> {
  const { when, runtime, log, 'no-log': noLog } = commonKeys(scope, texts);
  const optional = { when, runtime, log, 'no-log': noLog };
  const expectation = object({ required: {}, optional }, (values, spot) => ({
    ...commonExpectation(values),
    place: spot.place,
  }));
  return oneOrMany(named('start-expectation', expectation));
}

function commonKeys(scope: Scope, texts: TextShapes) {
  const log = logShape(texts);
  return {
    when: about(
      'component or axis → range, or the very text of a value; without it the expectation always holds',
      whenShape(scope),
    ),
    runtime: about(
      'how containerd is: running, not-ready (CRI does not answer) or ended; default: as the steps have left it',
      word(RUNTIME_STATES),
    ),
    pods: about('none, or pods by name with their state and addresses', podsShape(scope, texts)),
    'left-behind': about('none, or by kind what is there and was not at the start', leftBehindShape(texts)),
    log: about('lines that containerd has logged in this step', oneOrMany(log)),
    'no-log': about('lines that containerd has not logged in this step', oneOrMany(log)),
  };
}

interface CommonValues {
  readonly when?: Expectation['when'];
  readonly runtime?: Expectation['runtime'];
  readonly pods?: Expectation['pods'];
  readonly 'left-behind'?: LeftBehindExpectation;
  readonly log?: readonly LogExpectation[];
  readonly 'no-log'?: readonly LogExpectation[];
}

const commonExpectation = (values: CommonValues) => ({
  ...present({
    when: values.when,
    runtime: values.runtime,
    pods: values.pods,
    leftBehind: values['left-behind'],
  }),
  log: values.log ?? [],
  noLog: values['no-log'] ?? [],
});

function podShape(texts: TextShapes): Shape<PodExpectation> {
  const addresses = list(texts.template('matrix'));
  const optional = {
    state: about('absent: CRI does not list it', word(POD_STATES)),
    ips: about(
      "how many addresses, or which ones in CRI's order",
      byKind<number | readonly string[]>({ number: wholeNumber({ min: 0 }), list: addresses }),
    ),
  };
  return named(
    'pod-expectation',
    notEmpty(
      object({ required: {}, optional }, (values) => values),
      'write the state or the addresses that the pod must have',
    ),
  );
}

function podsShape(
  scope: Scope,
  texts: TextShapes,
): Shape<'none' | Readonly<Record<string, PodExpectation>>> {
  const byName = mapOf(podShape(texts), {
    key: (name, spot) => scope.usePod(name, spot),
    build: (pod, name) => [name, pod] as const,
  });
  return byKind<'none' | Readonly<Record<string, PodExpectation>>>({
    text: word(['none']),
    mapping: notEmpty(
      mapped(byName, (pods) => Object.fromEntries(pods)),
      'write "none", or the pods that are meant',
    ),
  });
}

function leftBehindShape(texts: TextShapes): Shape<LeftBehindExpectation> {
  const amount = byKind<number | readonly string[]>({
    number: wholeNumber({ min: 0 }),
    list: list(texts.template('expectation')),
  });
  const kinds = mapOf(amount, { keys: LEFT_BEHIND_KINDS, build: (value, kind) => [kind, value] as const });
  return named(
    'left-behind',
    byKind<LeftBehindExpectation>({
      text: mapped(word(['none']), (_none, spot) => ({ none: true, place: spot.place })),
      mapping: notEmpty(
        mapped(kinds, (pairs, spot) => {
          const named: Partial<Record<StateKind | 'shared', number | readonly string[]>> =
            Object.fromEntries(pairs);
          return { none: false, kinds: named, place: spot.place };
        }),
        'write "none", or the kinds of things that are left',
      ),
    }),
  );
}

/** A line of containerd's log; also what `wait-for` waits for. */
export function logShape(texts: TextShapes): Shape<LogExpectation> {
  const fields = mapOf(texts.template('expectation'), { build: (value, name) => [name, value] as const });
  const keys = {
    required: { message: about('the whole message, unquoted', texts.exactOrPart) },
    optional: {
      level: about('as the line says', word(LEVELS)),
      fields: about(
        'key=value pairs after the message; others may be there too',
        mapped(notEmpty(fields, 'name a field, or leave it out'), (pairs) => Object.fromEntries(pairs)),
      ),
    },
  };
  return named(
    'log-line',
    byKind<LogExpectation>({
      ...forTexts(
        mapped(texts.template('expectation'), (exact, { place }) => ({
          message: { exact, place },
          fields: {},
          place,
        })),
      ),
      mapping: object(keys, ({ message, level, fields: wanted }, { place }) => ({
        message,
        ...present({ level }),
        fields: wanted ?? {},
        place,
      })),
    }),
  );
}

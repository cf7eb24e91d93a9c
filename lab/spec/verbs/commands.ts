import { pasteable } from '../../core/content.ts';
import { object, present } from '../object-shape.ts';
import { about, byKind, mapped, type Shape } from '../shape.ts';
import { portShape, protocolShape, type Protocol } from '../pod-shape.ts';
import { timeShape } from '../scalar-shapes.ts';
import { mentioning } from '../mention.ts';
import { template, usedPod, addressMistake, argvShape, nameShape } from '../text-shapes.ts';
import { verb } from './verb-spec.ts';

export interface Exec {
  readonly argv: readonly string[];
  readonly stdin?: string;
}

export interface Connect {
  /** `node`, or a pod */
  readonly from: string;
  readonly to: string;
  /** missing: TCP */
  readonly protocol?: Protocol;
  /** missing: any free port */
  readonly fromPort?: number;
  readonly send?: string;
  /** how long it waits for a connection and its end, or for a datagram; missing: 2000 */
  readonly answerWithinMs?: number;
}

export interface Listen {
  /** `node`, or a pod */
  readonly in: string;
  readonly port: number;
  /** missing: TCP */
  readonly protocol?: Protocol;
  readonly answer: string;
  /** a name by which a later step can kill it */
  readonly name?: string;
}

const execWords = mapped(argvShape, (argv): Exec => ({ argv }));

const placeShape: Shape<string> = {
  ...usedPod,
  wanted: 'node or the name of a pod',
  read: (spot) => (spot.text === 'node' ? 'node' : usedPod.read(spot)),
};

const addressShape: Shape<string> = mapped(template('step'), (to, spot) => {
  const mistake = addressMistake(to);
  return mistake === undefined ? to : spot.mistake(mistake);
});

export const COMMAND_VERBS = {
  exec: verb<Exec>({
    shape: about(
      'any command on the node, as a list of words',
      byKind<Exec>({
        list: execWords,
        text: execWords,
        mapping: object(
          {
            required: { argv: about('a list of words; no shell reads them', argvShape) },
            optional: { stdin: about('what the command reads', template('step')) },
            otherWords: { command: 'it is called argv', cmd: 'it is called argv', args: 'it is called argv' },
          },
          ({ argv, stdin }) => ({ argv, ...present({ stdin }) }),
        ),
      }),
    ),
    recorded: ['command'],
    plan: ({ argv, stdin }, cell) => ({
      argv: argv.map(cell.template),
      ...(stdin === undefined ? {} : { stdin: cell.template(stdin) }),
    }),
    describe: ({ argv }) => pasteable(argv),
    scripts: ({ argv, stdin = '' }) => [...argv, stdin].map((content) => ({ content })),
  }),
  connect: verb<Connect>({
    shape: about(
      'a connection, or a datagram over UDP; what comes back is the output',
      object(
        {
          required: {
            from: about('node, or the name of a pod', placeShape),
            to: about('${web.ip}:80, [${web.ip6}]:80, 10.88.0.1:8080', addressShape),
          },
          optional: {
            protocol: protocolShape,
            'from-port': about('default: any that is free', portShape),
            send: about(
              'what is sent before it listens; over UDP an empty datagram by default',
              template('step'),
            ),
            'answer-within': about('how long it waits; default: 2s', timeShape),
          },
          otherWords: { timeout: 'write answer-within, for how long it waits for an answer' },
        },
        ({ from, to, protocol, 'from-port': fromPort, send, 'answer-within': answerWithinMs }) => ({
          from,
          to,
          ...present({ protocol, fromPort, send, answerWithinMs }),
        }),
      ),
    ),
    recorded: ['command'],
    plan: ({ to, send, ...rest }, cell) => ({
      ...rest,
      to: cell.template(to),
      ...(send === undefined ? {} : { send: cell.template(send) }),
    }),
    describe: ({ from, to, protocol }) =>
      `from ${from} to ${to}${protocol === undefined ? '' : `, ${protocol}`}`,
    otherPods: ({ from }) => (from === 'node' ? [] : [from]),
  }),
  listen: verb<Listen>({
    shape: about(
      'a listener that answers, until it is killed or the pod or the node ends',
      object(
        {
          required: {
            in: about('node, or the name of a pod', placeShape),
            port: about('on all addresses', portShape),
            answer: about('what whoever connects gets, and each datagram', template('step')),
          },
          optional: {
            protocol: protocolShape,
            name: about(
              'for a step that kills it: kill: NAME',
              mentioning(nameShape, (name) => ({ kind: 'listener', name })),
            ),
          },
          otherWords: { from: 'it is called in: where it listens', pod: 'write in: and the name of the pod' },
        },
        ({ protocol, name, ...rest }) => ({ ...rest, ...present({ protocol, name }) }),
      ),
    ),
    recorded: ['wait'],
    plan: ({ answer, ...rest }, cell) => ({ ...rest, answer: cell.template(answer) }),
    describe: (fields) => `in ${fields.in} on ${fields.protocol ?? 'tcp'} port ${fields.port}`,
    otherPods: (fields) => (fields.in === 'node' ? [] : [fields.in]),
  }),
};

import { pasteable } from '../../core/content.ts';
import { object, present } from '../object-shape.ts';
import { about, byKind, mapped, type Shape } from '../shape.ts';
import { template, usedPod, addressMistake, argvShape } from '../text-shapes.ts';
import { verb } from './verb-spec.ts';

export interface Exec {
  readonly argv: readonly string[];
  readonly stdin?: string;
}

export interface Connect {
  /** `node`, or a pod */
  readonly from: string;
  readonly to: string;
  readonly send?: string;
}

const execWords = mapped(argvShape, (argv): Exec => ({ argv }));

const fromShape: Shape<string> = {
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
      'a TCP connection; what comes back is the output',
      object(
        {
          required: {
            from: about('node, or the name of a pod', fromShape),
            to: about('${web.ip}:80, [${web.ip6}]:80, 10.88.0.1:8080', addressShape),
          },
          optional: { send: about('what is sent before it listens', template('step')) },
          otherWords: {
            protocol: 'all connections are TCP',
            timeout: 'it stands beside connect, in the step',
          },
        },
        ({ from, to, send }) => ({ from, to, ...present({ send }) }),
      ),
    ),
    recorded: ['command'],
    plan: ({ from, to, send }, cell) => ({
      from,
      to: cell.template(to),
      ...(send === undefined ? {} : { send: cell.template(send) }),
    }),
    describe: ({ from, to }) => `from ${from} to ${to}`,
    otherPods: ({ from }) => (from === 'node' ? [] : [from]),
  }),
};

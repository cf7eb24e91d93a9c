import { POD_STATES, logShape } from './expect-shape.ts';
import { bool, word } from './scalar-shapes.ts';
import type { Condition } from './scenario.ts';
import { object, unionByKey } from './object-shape.ts';
import { about, type Shape } from './shape.ts';
import { usedPod } from './text-shapes.ts';
import { argvShape } from './argv-shape.ts';

/** What `wait-for` waits for. */
export const conditionShape: Shape<Condition> = unionByKey<Condition>('wait-for', {
  'network-ready': object(
    { required: { 'network-ready': about("CRI's NetworkReady", bool) }, optional: {} },
    (values) => ({ until: 'network-ready', ready: values['network-ready'] }),
  ),
  pod: object(
    {
      required: { pod: usedPod, state: about('absent: CRI does not list it', word(POD_STATES)) },
      optional: {},
    },
    ({ pod, state }) => ({
      until: 'pod',
      pod,
      state,
    }),
  ),
  log: object(
    {
      required: {
        log: about('a line of the log of the runtime, written since the step before began', logShape),
      },
      optional: {},
    },
    ({ log }) => ({
      until: 'log',
      line: log,
    }),
  ),
  command: object(
    {
      required: { command: about('a command that must succeed', argvShape) },
      optional: {},
    },
    ({ command }) => ({ until: 'command', argv: command }),
  ),
});

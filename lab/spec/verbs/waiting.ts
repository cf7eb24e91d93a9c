import { pasteable } from '../../core/shown.ts';
import { unreachable } from '../../core/result.ts';
import { conditionShape } from '../condition-shape.ts';
import type { Condition } from '../scenario.ts';
import { about, mapped } from '../shape.ts';
import { verb, type CellValues } from './verb-spec.ts';

export const WAITING_VERBS = {
  'wait-for': verb<{ readonly condition: Condition }>({
    shape: about(
      'waits until it is so, or the timeout',
      mapped(conditionShape, (condition) => ({ condition })),
    ),
    recorded: ['wait'],
    plan: ({ condition }, cell) => ({ condition: planCondition(condition, cell) }),
    describe: ({ condition }) => describeCondition(condition),
    otherPods: ({ condition }) => (condition.until === 'pod' ? [condition.pod] : []),
  }),
};

function planCondition(condition: Condition, cell: CellValues): Condition {
  switch (condition.until) {
    case 'log':
      return { ...condition, line: cell.logLine(condition.line) };
    case 'command':
      return { ...condition, argv: condition.argv.map(cell.template) };
    case 'network-ready':
    case 'pod':
      return condition;
    default:
      return unreachable(condition);
  }
}

function describeCondition(condition: Condition): string {
  switch (condition.until) {
    case 'network-ready':
      return condition.ready ? 'the network is ready' : 'the network is not ready';
    case 'pod':
      return `pod ${condition.pod} is ${condition.state}`;
    case 'log': {
      const { message } = condition.line;
      return `in the log: ${'exact' in message ? message.exact : message.contains}`;
    }
    case 'command':
      return pasteable(condition.argv);
    default:
      return unreachable(condition);
  }
}

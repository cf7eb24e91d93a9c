import { unreachable } from '../core/result.ts';
import type { Condition } from '../spec/scenario.ts';
import { describeComponent, type ComponentRef } from '../core/components.ts';
import type { Plan, PlannedAction, PluginsPlan, RunPlan } from './plan.ts';

/** What would run, for people: a block a run. */
export function formatPlan({ runs }: Plan): string {
  return runs.map(formatRun).join('\n');
}

function formatRun({ title, control, node, steps }: RunPlan): string {
  const mark =
    control === undefined
      ? ''
      : ` (must come out as ${control.outcome}, by ${control.finding} of ${control.step})`;
  const width = Math.max(...steps.map(({ id }) => id.length));
  return [
    `${title}${mark}`,
    `  ${[node.containerd, node.runc, node.crictl].map(describe).join(', ')}, ${describePlugins(node.plugins)}`,
    ...steps.map(({ id, action }) => `  ${id.padEnd(width)}  ${describeAction(action)}`.trimEnd()),
    '',
  ].join('\n');
}

const describe = (ref: ComponentRef): string =>
  ref.source === 'local' ? `${ref.component} ${ref.version} from ${ref.hostPath}` : describeComponent(ref);

function describePlugins({ set, overrides }: PluginsPlan): string {
  const whole = set === undefined ? 'no cni-plugins' : describe(set);
  return [whole, ...overrides.map(({ plugin, from }) => `${plugin} of ${describe(from)}`)].join(', ');
}

function describeAction(action: PlannedAction): string {
  switch (action.do) {
    case 'run-pod':
    case 'stop-pod':
      return action.pod;
    case 'remove-pod':
      return action.force ? `${action.pod}, by force` : action.pod;
    case 'create-container':
      return `${action.container} in ${action.pod}: ${formatWords(action.command)}`;
    case 'exec-container':
      return `${action.container}: ${formatWords(action.command)}`;
    case 'start-container':
    case 'stop-container':
    case 'remove-container':
      return action.container;
    case 'write-files':
    case 'write-cni-config':
      return action.files.map(({ name }) => name).join(', ');
    case 'remove-files':
      return action.nodePaths.join(', ');
    case 'remove-cni-config':
      return action.names.join(', ');
    case 'install-plugins':
      return describePlugins(action.plugins);
    case 'remove-plugins':
      return action.plugins.join(', ');
    case 'fake-plugin':
      return action.plugin;
    case 'replace-containerd':
      return describe(action.containerd);
    case 'exec':
      return formatWords(action.argv);
    case 'connect':
      return `from ${action.from} to ${action.to}`;
    case 'wait-for':
      return describeCondition(action.condition);
    case 'stop-listed-pods':
    case 'remove-listed-pods':
    case 'stop-containerd':
    case 'kill-containerd':
    case 'start-containerd':
      return '';
    default:
      return unreachable(action);
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
      return formatWords(condition.argv);
    default:
      return unreachable(condition);
  }
}

/** So that it can be pasted into a shell. */
const formatWords = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');

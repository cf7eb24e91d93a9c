import { newestContainer } from '../core/node-state.ts';
import { unreachable } from '../core/lab-error.ts';
import { matchLines, messageText, nearestLine } from '../match/log-line.ts';
import { asKubelet, matchNetwork } from '../match/network.ts';
import { networkOf } from '../nodes/node.ts';
import type { Condition } from '../spec/scenario.ts';
import { present } from '../spec/object-shape.ts';
import { scanTemplate } from '../spec/template.ts';
import { sandboxOf } from './captures.ts';
import { matchCluster } from '../match/cluster.ts';
import { describeCluster, type WAITING_VERBS } from '../spec/verbs/waiting.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import { notItsFault } from './commands.ts';

export const WAITING_EFFECTS: VerbEffects<keyof typeof WAITING_VERBS> = {
  'wait-for': (context, { condition }) => waitForCondition(context, condition),
  parallel: takeTogether,
  kill: async (context, { background: name }) => {
    const startedMs = context.clock.now();
    const step = context.background(name);
    const lastSeen = step.isOver ? 'it had ended' : 'it was killed';
    step.kill();
    await step.over;
    context.observe({
      kind: 'waited',
      stepId: context.stepId,
      what: `the end of ${name}`,
      met: true,
      timedOut: false,
      lastSeen,
      waitedMs: context.clock.now() - startedMs,
    });
  },
};

const EVERY_MS = 50;
/** A look at a cluster is a kubectl: 40 ms of a processor, which what is waited for needs as well. */
const CLUSTER_EVERY_MS = 250;

/** Waits for the end of all of them without a limit, because each has its own. */
async function takeTogether(context: StepContext): Promise<void> {
  const startedMs = context.clock.now();
  const ids = await context.takeTogether();
  context.observe({
    kind: 'waited',
    stepId: context.stepId,
    what: `the end of ${ids.join(', ')}`,
    met: true,
    timedOut: false,
    lastSeen: 'all have ended',
    waitedMs: context.clock.now() - startedMs,
  });
}

/**
 * The observed state of a condition. `blind`: nothing could be observed, and with `forGood` nothing will be. `hung`: the lab
 * stopped its own query.
 */
type Seen =
  | { readonly holds: boolean; readonly what: string }
  | { readonly blind: string; readonly forGood?: true }
  | { readonly hung: string };

/**
 * Waits until a condition holds, and observes whether it did and the last state. If nothing could be observed at the
 * end of the time, the step could not be executed.
 */
async function waitForCondition(context: StepContext, condition: Condition): Promise<void> {
  checkNames(context, textsOf(condition));
  const startedMs = context.clock.now();
  const what = describeCondition(context, condition);
  const { met, last } = await lastOf(context, condition);
  if ('blind' in last) throw new NothingToActOn(`nobody could see ${what}: ${last.blind}`);
  context.observe({
    kind: 'waited',
    stepId: context.stepId,
    what,
    met,
    timedOut: 'hung' in last,
    lastSeen: 'hung' in last ? last.hung : last.what,
    waitedMs: context.clock.now() - startedMs,
  });
}

/** Whether it held in time, and the last state. */
async function lastOf(
  context: StepContext,
  condition: Condition,
): Promise<{ readonly met: boolean; readonly last: Seen }> {
  const untilMs = context.clock.now() + context.timeoutMs;
  const everyMs = condition.until === 'cluster' ? CLUSTER_EVERY_MS : EVERY_MS;
  for (;;) {
    const last = await look(context, condition);
    const met = 'holds' in last && last.holds;
    const over = met || ('forGood' in last && last.forGood === true);
    if (over || context.clock.now() + everyMs > untilMs) return { met, last };
    await context.clock.sleep(everyMs);
  }
}

async function look(context: StepContext, condition: Condition): Promise<Seen> {
  switch (condition.until) {
    case 'network-ready': {
      const status = await context.node.runtimeStatus();
      if (!status.answered) return { blind: status.why };
      const seen = networkOf(status);
      const bindings = matchNetwork(condition.network, seen, context.captures.known());
      for (const [name, value] of bindings ?? []) context.captures.set(context.stepId, name, value);
      return { holds: bindings !== undefined, what: asKubelet(seen) };
    }
    case 'pod': {
      const state = await context.node.look();
      const blind = state.unseen.find(({ kind }) => kind === 'sandbox');
      if (blind !== undefined) return { blind: blind.why };
      const seen = sandboxOf(state, condition.pod)?.detail?.['state'] ?? 'absent';
      return { holds: seen === condition.state, what: `pod ${condition.pod} is ${seen}` };
    }
    case 'container': {
      const { container: name } = condition;
      const state = await context.node.look();
      const blind = state.unseen.find(({ kind }) => kind === 'container');
      if (blind !== undefined) return { blind: blind.why };
      const { state: seen = 'absent', exitCode } = newestContainer(name, state)?.detail ?? {};
      const code = exitCode === undefined ? '' : ` with ${exitCode}`;
      return { holds: seen === condition.state, what: `container ${name} is ${seen}${code}` };
    }
    case 'log': {
      const lines = context.runtime.kind.parseLog(await context.readLog());
      const known = context.captures.known();
      const { items, bindings } = matchLines([condition.line], lines, known);
      if (typeof items[0] === 'number') {
        for (const [name, value] of bindings) context.captures.set(context.stepId, name, value);
        return { holds: true, what: lines[items[0]]?.raw ?? '' };
      }
      const none =
        lines.length === 0 ? 'no line in the log' : `${lines.length} lines in the log, none like it`;
      return { holds: false, what: nearestLine(condition.line, lines, known)?.raw ?? none };
    }
    case 'command': {
      const argv = condition.argv.map((word) => context.captures.fill(word));
      const result = await context.node.exec(argv, { timeoutMs: context.timeoutMs });
      if (result.timedOut) return { hung: `no end of ${argv.join(' ')}` };
      await notItsFault(context.node, result);
      const end = result.stderr.trim() || `exit ${result.exitCode ?? result.signal}`;
      return { holds: result.exitCode === 0, what: end };
    }
    case 'cluster': {
      const seen = await context.clusterNode.look();
      if ('unseen' in seen) return { ...present({ forGood: seen.forGood }), blind: seen.unseen };
      const { unmet, bindings } = matchCluster(condition.cluster, seen, context.captures.known());
      if (unmet !== undefined) return { holds: false, what: unmet };
      for (const [name, value] of bindings) context.captures.set(context.stepId, name, value);
      return { holds: true, what: 'it is so' };
    }
    case 'background': {
      const { isOver } = context.background(condition.background);
      return { holds: isOver, what: isOver ? 'it has ended' : 'it has not ended' };
    }
    default:
      return unreachable(condition);
  }
}

/** The texts in a condition that are compared with the observed state. */
function textsOf(condition: Condition): readonly string[] {
  if (condition.until === 'log')
    return [messageText(condition.line), ...Object.values(condition.line.fields)];
  if (condition.until !== 'network-ready') return [];
  const { reason, message } = condition.network;
  return [reason, message].flatMap((text) => (text === undefined ? [] : [messageText({ message: text })]));
}

/** The values in these texts must be known. Otherwise something else could meet the condition. */
function checkNames(context: StepContext, texts: readonly string[]): void {
  const bound = new Set<string>();
  for (const part of texts.flatMap((text) => scanTemplate(text).parts)) {
    if (part.kind === 'capture') bound.add(part.name);
    if (part.kind === 'ref' && !bound.has(part.name) && context.captures.get(part.name) === undefined) {
      throw new NothingToActOn(`\${${part.name}} is not known`);
    }
  }
}

function describeCondition({ runtime }: StepContext, condition: Condition): string {
  switch (condition.until) {
    case 'network-ready':
      return condition.network.ready ? 'the network to be ready' : 'the network not to be ready';
    case 'pod':
      return `pod ${condition.pod} to be ${condition.state}`;
    case 'container':
      return `container ${condition.container} to be ${condition.state}`;
    case 'log':
      return `a line in the log of ${runtime.kind.name}`;
    case 'command':
      return `${condition.argv.join(' ')} to succeed`;
    case 'cluster':
      return `${describeCluster(condition.cluster)} of the cluster`;
    case 'background':
      return `the end of ${condition.background}`;
    default:
      return unreachable(condition);
  }
}

import { messageOf } from '../core/lab-error.ts';
import { err, ok, type Result } from '../core/result.ts';
import { unreachable } from '../core/unreachable.ts';
import { waitFor } from '../core/wait-for.ts';
import { matchLines, messageText } from '../match/log-line.ts';
import { nearestLine } from '../match/nearest-line.ts';
import { parseContainerdLog } from '../observe/containerd-log.ts';
import type { Condition, LogExpectation } from '../spec/scenario.ts';
import { scanTemplate } from '../spec/template.ts';
import { sandboxOf } from './captures.ts';
import type { StepContext } from './context.ts';
import { NothingToActOn } from './nothing-to-act-on.ts';

const EVERY_MS = 50;

/** Waits until a condition holds, and observes whether it did and what it last saw. */
export async function waitForCondition(context: StepContext, condition: Condition): Promise<void> {
  if (condition.until === 'log') checkNames(context, condition.line);
  const startedMs = context.clock.now();
  const what = describeCondition(condition);
  let lastSeen = '';
  const probe = async (): Promise<Result<undefined, string>> => {
    const seen = await look(context, condition);
    if (!seen.ok) lastSeen = seen.error;
    return seen;
  };
  const met = await waitFor(what, probe, {
    everyMs: EVERY_MS,
    forMs: context.timeoutMs,
    clock: context.clock,
  }).then(
    () => true,
    (thrown: unknown) => {
      lastSeen = lastSeen || messageOf(thrown);
      return false;
    },
  );
  context.observe({
    kind: 'waited',
    stepId: context.stepId,
    what,
    met,
    timedOut: false,
    lastSeen,
    waitedMs: context.clock.now() - startedMs,
  });
}

async function look(context: StepContext, condition: Condition): Promise<Result<undefined, string>> {
  switch (condition.until) {
    case 'network-ready': {
      const status = await context.node.runtimeStatus();
      if (!status.answered) return err(status.why);
      return status.networkReady === condition.ready
        ? ok(undefined)
        : err(status.networkReady ? 'the network is ready' : status.networkMessage);
    }
    case 'pod': {
      const state = await context.node.look();
      const blind = state.unseen.find(({ kind }) => kind === 'sandbox');
      if (blind !== undefined) return err(blind.why);
      const seen = sandboxOf(state, condition.pod)?.detail?.['state'] ?? 'absent';
      return seen === condition.state ? ok(undefined) : err(`pod ${condition.pod} is ${seen}`);
    }
    case 'log': {
      const lines = parseContainerdLog(await context.readLog());
      const known = context.captures.known();
      const { items, bindings } = matchLines([condition.line], lines, known);
      if (typeof items[0] === 'number') {
        for (const [name, value] of bindings) context.captures.set(context.stepId, name, value);
        return ok(undefined);
      }
      const nearest = nearestLine(condition.line, lines, known);
      if (nearest !== undefined) return err(nearest.raw);
      return err(
        lines.length === 0 ? 'no line in the log' : `${lines.length} lines in the log, none like it`,
      );
    }
    case 'command': {
      const argv = condition.argv.map((word) => context.captures.fill(word));
      const result = await context.node.exec(argv, { timeoutMs: context.timeoutMs });
      return result.exitCode === 0
        ? ok(undefined)
        : err(result.stderr.trim() || `exit ${result.exitCode ?? result.signal}`);
    }
    default:
      return unreachable(condition);
  }
}

/** What the line refers to must be known, or the wait could be met by another line than the one that is meant. */
function checkNames(context: StepContext, line: LogExpectation): void {
  const bound = new Set<string>();
  for (const part of [messageText(line), ...Object.values(line.fields)].flatMap(
    (text) => scanTemplate(text).parts,
  )) {
    if (part.kind === 'capture') bound.add(part.name);
    if (part.kind === 'ref' && !bound.has(part.name) && context.captures.get(part.name) === undefined) {
      throw new NothingToActOn(`\${${part.name}} is not known`);
    }
  }
}

function describeCondition(condition: Condition): string {
  switch (condition.until) {
    case 'network-ready':
      return condition.ready ? 'the network to be ready' : 'the network not to be ready';
    case 'pod':
      return `pod ${condition.pod} to be ${condition.state}`;
    case 'log':
      return 'a line in the log of containerd';
    case 'command':
      return `${condition.argv.join(' ')} to succeed`;
    default:
      return unreachable(condition);
  }
}

import { shownLine } from '../core/content.ts';
import type { LogLine } from '../core/logrus.ts';
import type { Runtimes } from '../core/runtime.ts';
import { callsOf, endOfCall, type CniCall } from '../core/cni-call.ts';
import { ofKind } from '../judge/facts.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';

/**
 * One event of a run. `atMs` is its start, in milliseconds since the run started. `cri` is a crictl command, `exec` any
 * other command, `reload` a log line about the CNI configuration.
 */
export type TimelineEvent = {
  readonly atMs: number;
  readonly stepId: string;
  /** if the run has several nodes */
  readonly node?: string;
} & (
  | { readonly kind: 'step' | 'step-end' }
  | {
      readonly kind: 'cri' | 'exec';
      readonly argv: readonly string[];
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly durationMs: number;
    }
  | {
      readonly kind: 'cni';
      readonly call: number;
      /** the call whose plugin made this call */
      readonly within?: number;
      /** number of enclosing calls */
      readonly depth: number;
      readonly plugin: string;
      readonly verb: string;
      readonly network?: string;
      readonly ifname?: string;
      readonly by: string;
      /** `exit 0`, `exit 1: code 7: …`, `SIGKILL`, `no end` */
      readonly end: string;
      readonly durationMs: number | null;
    }
  | { readonly kind: 'netns'; readonly change: string; readonly name: string }
  | {
      readonly kind: 'reload' | 'log';
      readonly level: string;
      readonly message: string;
      readonly error?: string;
    }
  | { readonly kind: 'runtime-ended'; readonly asked: boolean; readonly end: string }
  | { readonly kind: 'unrecorded'; readonly why: string }
);

/** All events by start time. Computed from the journal alone. */
export function timelineOf(
  run: RunPlan,
  entries: readonly JournalEntry[],
  runtimes: Runtimes,
): readonly TimelineEvent[] {
  const calls = callsOf(ofKind(entries, 'cni-call-started'), ofKind(entries, 'cni-call-ended'));
  const clocks = new Map(
    run.nodes.map(({ name }) => [
      name,
      clockOf(
        entries.filter(({ node }) => node === name),
        entries,
      ),
    ]),
  );
  const events = entries.flatMap((entry): readonly TimelineEvent[] => {
    const since = clocks.get(entry.node) ?? (() => entry.atMs);
    const on = entry.node === undefined ? {} : { node: entry.node };
    switch (entry.kind) {
      case 'step-started':
        return [{ kind: 'step', atMs: entry.atMs, stepId: entry.stepId, ...on }];
      case 'step-ended':
        return [{ kind: 'step-end', atMs: entry.atMs, stepId: entry.stepId, ...on }];
      case 'command': {
        const { argv, exitCode, signal, durationMs } = entry.result;
        const kind = argv[0] === 'crictl' ? 'cri' : 'exec';
        const atMs = Math.max(0, entry.atMs - durationMs);
        return [{ kind, atMs, stepId: entry.stepId, ...on, argv, exitCode, signal, durationMs }];
      }
      case 'cni-call-started': {
        const call = calls.find((one) => one.call === entry.call && one.node === entry.node);
        return call === undefined ? [] : [{ ...cniEvent(call), atMs: since(entry.time), ...on }];
      }
      case 'netns': {
        const { stepId, change, name } = entry;
        return [{ kind: 'netns', atMs: since(entry.time), stepId, ...on, change, name }];
      }
      case 'runtime-log': {
        const component = run.nodes.find(({ name }) => name === entry.node)?.runtime.component;
        if (component === undefined) return [];
        let atMs = entry.atMs;
        return runtimes[component].parseLog(entry.text).map((line) => {
          if (line.timeText !== '') atMs = since(line.timeText); // a line without a time belongs to the previous line
          return { ...logEvent(line), atMs, stepId: entry.stepId, ...on };
        });
      }
      case 'runtime-ended': {
        const { stepId, asked, atMs } = entry;
        const end = entry.signal ?? `exit ${entry.exitCode}`;
        return [{ kind: 'runtime-ended', atMs, stepId, ...on, asked, end }];
      }
      case 'unrecorded':
        return [{ kind: 'unrecorded', atMs: entry.atMs, stepId: entry.stepId, ...on, why: entry.why }];
      default:
        return [];
    }
  });
  return [...events]
    .map((event) => ({ ...event, atMs: Math.round(event.atMs * 1000) / 1000 }))
    .sort((a, b) => a.atMs - b.atMs);
}

function cniEvent(call: CniCall) {
  const ifname = call.env['CNI_IFNAME'];
  let depth = 0;
  for (let { outer } = call; outer !== undefined; { outer } = outer) depth += 1;
  return {
    kind: 'cni',
    stepId: call.stepId,
    call: call.call,
    ...(call.within === undefined ? {} : { within: call.within }),
    depth,
    plugin: call.plugin,
    verb: call.verb,
    ...(call.network === undefined ? {} : { network: call.network }),
    ...(ifname === undefined ? {} : { ifname }),
    by: call.parent.name,
    end: endOfCall(call),
    durationMs: call.end?.durationMs ?? null,
  } as const;
}

/** What runtimes log about their CNI configuration. containerd does not log that it has loaded one. */
const RELOAD = /cni config(?:uration)?\b|cni network conf|cni conf syncer/i;

function logEvent({ level, message, fields }: LogLine) {
  const { error } = fields;
  const kind = RELOAD.test(message) ? 'reload' : 'log';
  return { kind, level, message, ...(error === undefined ? {} : { error }) } as const;
}

/**
 * Converts times of the clock of a node to milliseconds since the run started. A record arrives a moment after it was
 * made. So the shortest delay of a record shows how much the two clocks differ. A virtual machine can have its own
 * clock.
 */
function clockOf(own: readonly JournalEntry[], all: readonly JournalEntry[]): (time: string) => number {
  const started = all.find((entry) => entry.kind === 'run-started');
  const startMs = started?.kind === 'run-started' ? msOf(started.time) : 0;
  const ways = own.flatMap((entry) =>
    entry.kind === 'cni-call-ended' || entry.kind === 'netns'
      ? [entry.atMs - (msOf(entry.time) - startMs)]
      : [],
  );
  const shortest = ways.length === 0 ? 0 : Math.min(...ways);
  const differMs = Math.abs(shortest) > SAME_CLOCK_MS ? shortest : 0;
  return (time) => msOf(time) - startMs + differMs;
}

const SAME_CLOCK_MS = 50;

/** Milliseconds since 1970, including the fraction that Date drops. */
function msOf(time: string): number {
  const fraction = /\.\d{3}(\d+)/.exec(time)?.[1];
  return Date.parse(time) + (fraction === undefined ? 0 : Number(`0.${fraction}`));
}

const COLUMN = 12;

/**
 * The timeline for people, one line for each event. The runtime log at the start is reduced to warnings, errors and
 * lines about the CNI configuration, unless `verbose` is set.
 */
export function timelineText(
  events: readonly TimelineEvent[],
  { verbose = false }: { readonly verbose?: boolean } = {},
): readonly string[] {
  return events.flatMap((event) => {
    if (event.kind === 'step-end') return [];
    const quiet = event.kind === 'log' && event.stepId === 'start' && /^(?:debug|info|)$/.test(event.level);
    if (quiet && !verbose) return [];
    const at = `${(event.atMs / 1000).toFixed(4)} s`.padStart(COLUMN);
    const on = event.node === undefined ? '' : `${event.node}: `;
    return [`${at}  ${shownLine(on + lineOf(event).trimEnd().replaceAll('\n', ' '), { whole: '--json' })}`];
  });
}

function lineOf(event: TimelineEvent): string {
  switch (event.kind) {
    case 'step':
    case 'step-end':
      return event.stepId;
    case 'cri':
    case 'exec':
      return `  ${event.argv.join(' ')}  ${event.signal ?? `exit ${event.exitCode}`}, ${ms(event.durationMs)}`;
    case 'cni': {
      const about = [event.network, event.ifname]
        .filter((word) => word !== undefined && word !== '')
        .join(' ');
      const took = event.durationMs === null ? '' : `, ${ms(event.durationMs)}`;
      const what = [event.plugin, event.verb, about].filter((word) => word !== '').join(' ');
      return `    ${'  '.repeat(event.depth)}${event.by} > ${what}  ${event.end}${took}`;
    }
    case 'netns':
      return `    netns ${event.name} ${event.change}`;
    case 'reload':
    case 'log': {
      const error = event.error === undefined ? '' : `: ${event.error}`;
      return `    ${event.kind === 'reload' ? 'reload' : 'log'} ${event.level} ${event.message}${error}`;
    }
    case 'runtime-ended':
      return `  the runtime ended with ${event.end}${event.asked ? '' : ', and nobody had asked it to'}`;
    case 'unrecorded':
      return `  not recorded: ${event.why}`;
  }
}

const ms = (durationMs: number): string => `${durationMs.toFixed(1)} ms`;

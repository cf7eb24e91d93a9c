import { createHash } from 'node:crypto';

import { pasteable, shown, shownLine } from '../../core/content.ts';
import { callsOf, endOfCall, nameCall, type CniCall } from '../../core/cni-call.ts';
import { FLAG_COMPONENTS } from '../../core/components.ts';
import type { Runtimes } from '../../core/runtime.ts';
import type { RunEnded } from '../../events.ts';
import { ofKind, viewsOf } from '../../judge/facts.ts';
import { appearedIn, leftOver, ownersAmong, ownershipIn } from '../../judge/left-over.ts';
import { normalisedJournal, withoutNames } from '../../judge/parity.ts';
import type { Finding } from '../../judge/verdict.ts';
import type { JournalEntry } from '../../observe/observation.ts';
import type { RunHead, RunPlan } from '../../plan/plan.ts';
import { present } from '../../spec/object-shape.ts';
import { REPORT_COLUMNS } from '../alike.ts';
import { attemptTexts } from '../attempts.ts';
import { glanceAt, namesOf, withNames, type Names } from '../glance.ts';
import { formatPlace } from '../reporter.ts';
import { timelineOf, type TimelineEvent } from '../timeline.ts';
import type { EventView, FactView, FindingView, LeftView, RunDetail } from './client/data.ts';

/** A longer text is cut. The record of the run has all of it. */
const LONGEST_TEXT = 20_000;

/** A text that is safe to display. */
export function safe(text: string): string {
  const cut =
    text.length > LONGEST_TEXT
      ? `${text.slice(0, LONGEST_TEXT)}\n… (${text.length} characters, all of them in the record of the run)`
      : text;
  return cut
    .split('\n')
    .map((line) => shownLine(line, { whole: 'the record of the run' }))
    .join('\n');
}

export interface Detailed {
  readonly detail: RunDetail;
  /** equal for two runs with the same behaviour */
  readonly behaviour: string;
}

/** Everything that a report shows about one run, from its plan and its journal. */
export function detailOf(
  { run, verdict, entries, outputHostPath, attempts }: RunEnded,
  { runtimes }: { readonly runtimes: Runtimes },
): Detailed {
  const { findings, outcome } = verdict;
  const glance = glanceAt({ run, findings, outcome, entries, columns: REPORT_COLUMNS });
  const names = namesOf(entries);
  const known = (text: string): string => safe(withNames(text, names));
  const started = ofKind(entries, 'run-started')[0];
  const { left, unseen } = leftIn(run, { entries, findings, runtimes, names });
  const facts = factsIn(entries, left);
  const detail: RunDetail = {
    summary: safe(run.scenario.summary),
    place: safe(formatPlace(run.scenario.place)),
    ...(run.scenarioText === undefined ? {} : { scenarioText: safeWhole(run.scenarioText) }),
    command: shown(repeatCommand(run)),
    folder: shown(outputHostPath),
    backend: shown(started?.backend ?? ''),
    time: shown(started?.time ?? ''),
    host: Object.entries(started?.host ?? {}).map(([name, value]) => [shown(name), safe(value)]),
    attempts: attemptTexts({ attempts }).map(safe),
    problems: glance.problems,
    follows: glance.follows.map(({ line }) => line),
    findings: findings.map((finding) => findingView(finding, known)),
    left,
    unseen,
    artifacts: ofKind(entries, 'artifact').map((one) => ({
      name: shown(one.name),
      version: shown(one.version),
      source: shown(one.source),
      key: shown(one.key),
      madeBy: safe(one.madeBy),
      ...(one.note === undefined ? {} : { note: safe(one.note) }),
    })),
    steps: run.steps.map(({ id, on, note, place }) => ({
      id,
      ...present({ node: on, note: note === undefined ? undefined : safe(note) }),
      line: place.line,
    })),
    isRecorded: run.nodes.some(({ record }) => record === true),
    events: eventsOf(timelineOf(run, entries, runtimes), { entries, known }),
    facts,
  };
  return { detail, behaviour: hashOf(facts) };
}

/** A scenario is shown completely, so that line numbers stay correct. */
const safeWhole = (text: string): string =>
  text
    .split('\n')
    .map((line) => shownLine(line, { whole: 'the file' }))
    .join('\n');

/** A runtime does not guarantee the order within a step. */
const hashOf = (facts: readonly FactView[]): string =>
  createHash('sha256')
    .update(
      facts
        .map(({ stepId, text }) => `${stepId}\n${text}`)
        .sort()
        .join('\0'),
    )
    .digest('hex')
    .slice(0, 10);

/**
 * `cnilab run FILE` with the values of the cell: `--containerd 1.6.3`, and `--set AXIS=VALUE` for an axis that is not a
 * component.
 */
export function repeatCommand({ scenario, cell }: RunHead): string {
  const flags = Object.entries(cell).flatMap(([axis, value]) =>
    FLAG_COMPONENTS.some((name) => name === axis) ? [`--${axis}`, value] : ['--set', `${axis}=${value}`],
  );
  return pasteable(['cnilab', 'run', scenario.place.file, ...flags]);
}

function findingView(finding: Finding, known: (text: string) => string): FindingView {
  const { check, outcome, stepId, node, message, place, expected, actual, detail = [], paste } = finding;
  return {
    check,
    outcome,
    isWarning: finding.warning === true,
    stepId,
    message: known(message),
    detail: detail.flatMap((line) => line.split('\n')).map(known),
    ...present({
      node,
      place: place === undefined ? undefined : safe(formatPlace(place)),
      line: place?.line,
      expected: expected === undefined ? undefined : safe(expected),
      actual: actual === undefined ? undefined : safe(actual),
      paste: paste === undefined ? undefined : safe(paste),
    }),
  };
}

/** What is on the nodes at the last look and was not there at the first one, whether it was expected or not. */
function leftIn(
  run: RunPlan,
  {
    entries,
    findings,
    runtimes,
    names,
  }: {
    readonly entries: readonly JournalEntry[];
    readonly findings: readonly Finding[];
    readonly runtimes: Runtimes;
    readonly names: Names;
  },
): { readonly left: readonly LeftView[]; readonly unseen: readonly string[] } {
  const unexpected = new Set(
    findings.flatMap(({ items = [], node, outcome }) =>
      outcome === 'pass' ? [] : items.map(({ kind, name }) => `${node ?? ''} ${kind} ${name}`),
    ),
  );
  const views = viewsOf(run, entries, runtimes).map(({ run: { name: node }, facts }) => {
    const { looks, start, steps, instruments } = facts;
    const last = looks.at(-1);
    if (start.state === undefined || last === undefined)
      return { left: [], unseen: ['nothing was looked at'] };
    const { own } = leftOver({ baseline: start.state, state: last.state, looks, instruments });
    const owners = ownersAmong(own, ownershipIn(looks, steps));
    return {
      left: own.map((item) => ({
        kind: item.kind,
        name: safe(withNames(item.name, names)),
        ...present({ node, pod: owners.get(item), since: appearedIn(item, looks) }),
        isUnexpected: unexpected.has(`${node ?? ''} ${item.kind} ${item.name}`),
      })),
      unseen: last.state.unseen.map(({ kind, why }) => safe(`${kind}: ${why}`)),
    };
  });
  return { left: views.flatMap(({ left }) => left), unseen: views.flatMap(({ unseen }) => unseen) };
}

/**
 * How commands and waits ended, which plugins were called, and what was left. Equal for two runs that behaved in the
 * same way.
 */
function factsIn(entries: readonly JournalEntry[], left: readonly LeftView[]): readonly FactView[] {
  const calls = callsIn(entries).map(({ stepId, ...call }) => ({
    stepId,
    text: `${nameCall(call)}: ${endOfCall(call)}`,
  }));
  const facts = [
    ...normalisedJournal(entries).filter(({ text }) => !/^(?:\S+: )?there is /.test(text)),
    ...calls,
    ...left.map(({ kind, name, since = 'end' }) => ({
      stepId: 'end',
      text: `left since ${since}: ${kind} ${name}`,
    })),
  ];
  return facts.map(({ stepId, text }) => ({ stepId, text: safe(withoutRandom(text)) }));
}

/** Names that were shortened for display are still random. */
const withoutRandom = (text: string): string =>
  withoutNames(text).replaceAll(/\b(cni-)?[0-9a-f]{8}…/g, '$1…');

const callsIn = (entries: readonly JournalEntry[]): readonly CniCall[] =>
  callsOf(ofKind(entries, 'cni-call-started'), ofKind(entries, 'cni-call-ended'));

interface EventOptions {
  readonly entries: readonly JournalEntry[];
  readonly known: (text: string) => string;
}

function eventsOf(events: readonly TimelineEvent[], options: EventOptions): readonly EventView[] {
  const ends = new Map(
    events.flatMap((event) => (event.kind === 'step-end' ? [[stepKey(event), event.atMs] as const] : [])),
  );
  const calls = new Map(callsIn(options.entries).map((call) => [`${call.node ?? ''} ${call.call}`, call]));
  const commands = new CommandsInOrder(options.entries);
  return events.flatMap((event) => {
    const view = eventView(event, { ...options, ends, calls, commands });
    return view === undefined
      ? []
      : [{ ...view, atMs: event.atMs, stepId: event.stepId, ...present({ node: event.node }) }];
  });
}

const stepKey = ({ stepId, node }: { readonly stepId: string; readonly node?: string }): string =>
  `${stepId} ${node ?? ''}`;

/** The output of commands. The timeline only has the commands. */
class CommandsInOrder {
  readonly #left: Extract<JournalEntry, { readonly kind: 'command' }>[];

  constructor(entries: readonly JournalEntry[]) {
    this.#left = [...ofKind(entries, 'command')];
  }

  take({ stepId, argv }: { readonly stepId: string; readonly argv: readonly string[] }) {
    const at = this.#left.findIndex(
      (one) => one.stepId === stepId && one.result.argv.join(' ') === argv.join(' '),
    );
    return at < 0 ? undefined : this.#left.splice(at, 1)[0];
  }
}

function eventView(
  event: TimelineEvent,
  {
    known,
    ends,
    calls,
    commands,
  }: EventOptions & {
    readonly ends: ReadonlyMap<string, number>;
    readonly calls: ReadonlyMap<string, CniCall>;
    readonly commands: CommandsInOrder;
  },
): Omit<EventView, 'atMs' | 'stepId' | 'node'> | undefined {
  switch (event.kind) {
    case 'step': {
      const end = ends.get(stepKey(event));
      return {
        lane: 'steps',
        label: event.stepId,
        level: end === undefined ? 'failed' : '',
        depth: 0,
        more: [],
        ...present({ durationMs: end === undefined ? undefined : round(end - event.atMs) }),
      };
    }
    case 'step-end':
      return undefined;
    case 'cri':
    case 'exec': {
      const { argv, exitCode, signal, durationMs } = event;
      const result = commands.take(event)?.result;
      return {
        lane: 'cri',
        durationMs: round(durationMs),
        label: known(`${argv.join(' ')}: ${signal ?? `exit ${exitCode}`}`),
        level: exitCode === 0 ? '' : 'failed',
        depth: 0,
        more: texts({ 'standard output': result?.stdout, 'standard error': result?.stderr }, known),
      };
    }
    case 'cni': {
      const call = calls.get(`${event.node ?? ''} ${event.call}`);
      const about = [event.network, event.ifname]
        .filter((word) => word !== undefined && word !== '')
        .join(' ');
      const what = [event.plugin, event.verb, about].filter((word) => word !== '').join(' ');
      return {
        lane: 'cni',
        label: known(`${what}: ${event.end}, called by ${event.by}`),
        level: event.end === 'exit 0' ? '' : 'failed',
        depth: event.depth,
        more: texts(
          {
            environment: Object.entries(call?.env ?? {})
              .map(([name, value]) => `${name}=${value}`)
              .join('\n'),
            'standard input': call?.stdin,
            'standard output': call?.end?.stdout,
            'standard error': call?.end?.stderr,
          },
          known,
        ),
        ...present({ durationMs: event.durationMs === null ? undefined : round(event.durationMs) }),
      };
    }
    case 'netns':
      return { lane: 'netns', label: known(`${event.name} ${event.change}`), level: '', depth: 0, more: [] };
    case 'reload':
    case 'log': {
      const error = event.error === undefined ? '' : `: ${event.error}`;
      return {
        lane: 'log',
        label: known(`${event.message}${error}`),
        level: event.level,
        depth: 0,
        more: [],
      };
    }
    case 'runtime-ended':
      return {
        lane: 'log',
        label: known(
          `the runtime ended with ${event.end}${event.asked ? '' : ', and nobody had asked it to'}`,
        ),
        level: event.asked ? 'info' : 'error',
        depth: 0,
        more: [],
      };
    case 'unrecorded':
      return { lane: 'cni', label: known(`not recorded: ${event.why}`), level: 'failed', depth: 0, more: [] };
  }
}

const texts = (
  all: Readonly<Record<string, string | undefined>>,
  known: (text: string) => string,
): EventView['more'] =>
  Object.entries(all).flatMap(([name, text]) =>
    text === undefined || text.trim() === '' ? [] : [[name, known(text)] as const],
  );

const round = (ms: number): number => Math.round(ms * 100) / 100;

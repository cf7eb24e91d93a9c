import { useMemo, useRef, useState } from 'preact/hooks';

import { LANES, type EventView, type Lane, type RunDetail } from './data.ts';
import { formatDuration } from '../../../core/amounts.ts';
import { ColumnHeads, Gap, useRows } from './parts.tsx';

const LANE_NAMES: Readonly<Record<Lane, string>> = {
  steps: 'steps',
  cri: 'commands and CRI calls',
  cni: 'CNI calls',
  netns: 'network namespaces',
  log: 'runtime log',
};

const BAR_HEIGHT = 20;
const WIDEST_ZOOM = 64;

/** Lines of the runtime log that report no problem. */
const isQuiet = ({ lane, level }: EventView): boolean =>
  lane === 'log' && /^(?:debug|info|trace|)$/.test(level);

const isBad = ({ level }: EventView): boolean => /^(?:failed|error|fatal|panic)$/.test(level);

/** What happened in a run, as lanes over a common time axis and as a table. */
export function Timeline({ detail }: { readonly detail: RunDetail }) {
  const { events, isRecorded } = detail;
  const [zoom, setZoom] = useState(1);
  const [open, setOpen] = useState<EventView | undefined>(undefined);
  const scroller = useRef<HTMLDivElement>(null);
  const { startMs, endMs } = useMemo(() => rangeOf(events), [events]);
  const setZoomTo = (next: number): void => setZoom(Math.min(WIDEST_ZOOM, Math.max(1, next)));
  const scale = (ms: number): number => ((ms - startMs) / (endMs - startMs)) * 100;
  return (
    <>
      <p class="filter">
        <button type="button" onClick={() => setZoomTo(zoom * 2)}>
          Zoom in
        </button>{' '}
        <button type="button" onClick={() => setZoomTo(zoom / 2)} disabled={zoom === 1}>
          Zoom out
        </button>{' '}
        <span class="facts">
          {formatDuration(endMs - startMs)} from left to right
          {isRecorded ? '' : '. Plugin calls were not recorded: cnilab run --record does.'}
        </span>
      </p>
      <div class="lanes" ref={scroller} role="group" aria-label="Timeline">
        <div class="lanes-inner" style={{ width: `${zoom * 100}%` }}>
          {LANES.map((lane) => (
            <LaneView
              key={lane}
              lane={lane}
              events={events.filter((event) => event.lane === lane)}
              {...{ scale, open, setOpen, zoom }}
            />
          ))}
        </div>
      </div>
      {open === undefined ? null : <EventDetail event={open} close={() => setOpen(undefined)} />}
      <EventTable events={events} setOpen={setOpen} />
    </>
  );
}

/** From the first step on, or from the start if there are no steps. The start of a node is long and shows little. */
function rangeOf(events: readonly EventView[]): { readonly startMs: number; readonly endMs: number } {
  const shown = events.filter((event) => !isQuiet(event));
  const times = (shown.length === 0 ? events : shown).flatMap(({ atMs, durationMs = 0 }) => [
    atMs,
    atMs + durationMs,
  ]);
  const startMs = times.reduce((a, b) => Math.min(a, b), times[0] ?? 0);
  const endMs = times.reduce((a, b) => Math.max(a, b), 0);
  return { startMs, endMs: Math.max(endMs, startMs + 1) };
}

function LaneView({
  lane,
  events,
  scale,
  open,
  setOpen,
  zoom,
}: {
  readonly lane: Lane;
  readonly events: readonly EventView[];
  readonly scale: (ms: number) => number;
  readonly open: EventView | undefined;
  readonly setOpen: (event: EventView) => void;
  readonly zoom: number;
}) {
  const placed = useMemo(() => inRows(events, scale, zoom), [events, zoom]);
  const rows = placed.reduce((most, { row }) => Math.max(most, row + 1), 1);
  return (
    <div class="lane">
      <h4>{LANE_NAMES[lane]}</h4>
      <div class="track" style={{ height: `${rows * BAR_HEIGHT}px` }}>
        {placed.map(({ event, row }, index) => {
          const left = Math.max(0, scale(event.atMs));
          const position = { left: `${left}%`, top: `${row * BAR_HEIGHT}px` };
          if (isQuiet(event)) return <span class="tick" key={index} style={position} aria-hidden="true" />;
          const width =
            event.durationMs === undefined
              ? undefined
              : `${scale(event.atMs + event.durationMs) - scale(event.atMs)}%`;
          return (
            <button
              type="button"
              key={index}
              class={`bar is-${lane} ${isBad(event) ? 'is-bad' : ''} ${event.durationMs === undefined ? 'is-point' : ''}`}
              style={{ ...position, ...(width === undefined ? {} : { width }) }}
              aria-pressed={open === event}
              aria-label={describe(event)}
              title={describe(event)}
              onClick={() => setOpen(event)}
            >
              {isBad(event) ? '✗ ' : ''}
              {event.durationMs === undefined ? '' : event.label}
            </button>
          );
        })}
      </div>
    </div>
  );
}

const describe = ({ stepId, label, atMs, durationMs }: EventView): string =>
  `${label}, in ${stepId}, at ${(atMs / 1000).toFixed(3)} s${durationMs === undefined ? '' : `, ${durationMs.toFixed(1)} ms`}`;

/** Places overlapping bars below each other. A plugin call is below the call that made it. */
function inRows(events: readonly EventView[], scale: (ms: number) => number, zoom: number) {
  const ends: number[] = [];
  const least = 0.4 / zoom;
  return events.map((event) => {
    if (isQuiet(event)) return { event, row: 0 };
    const from = scale(event.atMs);
    const to = from + Math.max(least, scale(event.atMs + (event.durationMs ?? 0)) - from);
    let row = event.depth;
    while ((ends[row] ?? -1) > from) row += 1;
    ends[row] = to;
    return { event, row };
  });
}

function EventDetail({ event, close }: { readonly event: EventView; readonly close: () => void }) {
  return (
    <div class="event" role="status">
      <p>
        <strong>{event.label}</strong>{' '}
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
      <p class="facts">
        {LANE_NAMES[event.lane]}, in {event.stepId}
        {event.node === undefined ? '' : ` on ${event.node}`}, at {(event.atMs / 1000).toFixed(4)} s
        {event.durationMs === undefined ? '' : `, took ${event.durationMs.toFixed(1)} ms`}
        {event.level === '' ? '' : `, ${event.level}`}
      </p>
      {event.more.map(([name, text]) => (
        <div key={name}>
          <h4>{name}</h4>
          <pre tabIndex={0}>{indented(text)}</pre>
        </div>
      ))}
    </div>
  );
}

/** JSON with indentation; any other text unchanged. */
function indented(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const ROW_HEIGHT = 29;

function EventTable({
  events,
  setOpen,
}: {
  readonly events: readonly EventView[];
  readonly setOpen: (event: EventView) => void;
}) {
  const [withQuiet, setWithQuiet] = useState(false);
  const shown = useMemo(() => events.filter((event) => withQuiet || !isQuiet(event)), [events, withQuiet]);
  const { scroller, from, to, before, after } = useRows({ total: shown.length, rowHeight: ROW_HEIGHT });
  return (
    <details>
      <summary>The same as a table ({events.length} events)</summary>
      <p class="filter">
        <label>
          <input type="checkbox" checked={withQuiet} onChange={() => setWithQuiet(!withQuiet)} /> every line
          of the runtime's log
        </label>
      </p>
      <div class="scroller is-long" ref={scroller} tabIndex={0} role="region" aria-label="Events">
        <table class="events" aria-rowcount={shown.length + 1}>
          <ColumnHeads names={['time', 'step', 'lane', 'what', 'took']} />
          <tbody>
            <Gap height={before} columns={5} />
            {shown.slice(from, to).map((event, index) => (
              <tr key={from + index} class={isBad(event) ? 'is-bad' : ''} aria-rowindex={from + index + 2}>
                <td class="number">{(event.atMs / 1000).toFixed(4)} s</td>
                <td>{event.stepId}</td>
                <td>{LANE_NAMES[event.lane]}</td>
                <td class="what">
                  {'· '.repeat(event.depth)}
                  {event.more.length === 0 ? (
                    <span title={event.label}>
                      {event.lane === 'log' ? `${event.level} ` : ''}
                      {event.label}
                    </span>
                  ) : (
                    <button type="button" class="link" onClick={() => setOpen(event)} title={event.label}>
                      {event.label}
                    </button>
                  )}
                </td>
                <td class="number">
                  {event.durationMs === undefined ? '' : `${event.durationMs.toFixed(1)} ms`}
                </td>
              </tr>
            ))}
            <Gap height={after} columns={5} />
          </tbody>
        </table>
      </div>
    </details>
  );
}

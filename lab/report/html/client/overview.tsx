import { useMemo, useState } from 'preact/hooks';

import type { AttentionItem, RowOutcome, RunRow } from './data.ts';
import { Matrix } from './matrix.tsx';
import { count, formatDuration } from '../../../core/amounts.ts';
import { Badge, ColumnHeads, Gap, runHref, Section, useRows } from './parts.tsx';
import type { Report } from './read.ts';

const OUTCOMES: readonly RowOutcome[] = ['fail', 'inconclusive', 'not run', 'flaky', 'pass'];

/** The first screen: the verdict, what needs attention, and the matrix. */
export function Overview({ report }: { readonly report: Report }) {
  const [words, setWords] = useState('');
  const [hidden, setHidden] = useState<ReadonlySet<RowOutcome>>(new Set());
  const runs = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return report.runs.filter(
      ({ title, outcome }) =>
        !hidden.has(outcome) && wanted.every((word) => title.toLowerCase().includes(word)),
    );
  }, [words, hidden]);
  const toggle = (outcome: RowOutcome): void => {
    const next = new Set(hidden);
    if (!next.delete(outcome)) next.add(outcome);
    setHidden(next);
  };
  return (
    <>
      <Verdict report={report} />
      <Section title="Matrix" id="matrix">
        <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
          <label>
            Filter{' '}
            <input
              type="search"
              value={words}
              placeholder="scenario or version"
              onInput={(event) => setWords(event.currentTarget.value)}
            />
          </label>
          {OUTCOMES.filter((outcome) => report.runs.some((run) => run.outcome === outcome)).map((outcome) => (
            <label key={outcome}>
              <input type="checkbox" checked={!hidden.has(outcome)} onChange={() => toggle(outcome)} />{' '}
              <Badge outcome={outcome} />
            </label>
          ))}
          <output>
            {runs.length === report.runs.length
              ? ''
              : `${runs.length} of ${count(report.runs.length, 'run')}`}
          </output>
        </form>
        {runs.length === 0 ? <p>No run is like that.</p> : <Matrix report={report} runs={runs} />}
      </Section>
      <Attention report={report} />
      <VersionChoice report={report} />
      <Section title="All runs" id="runs">
        <RunList runs={runs} />
      </Section>
    </>
  );
}

function Verdict({ report }: { readonly report: Report }) {
  const number = (outcome: RowOutcome) => report.runs.filter((run) => run.outcome === outcome).length;
  const counts = OUTCOMES.toReversed().flatMap((outcome) =>
    number(outcome) === 0 ? [] : [`${number(outcome)} ${outcome}`],
  );
  return (
    <header class="verdict">
      <h1 tabIndex={-1}>
        <Badge outcome={report.outcome} /> {report.runs.length === 0 ? 'nothing was run' : counts.join(', ')}
      </h1>
      <p class="facts">
        {count(report.runs.length, 'run')} of {count(report.scenarios.length, 'scenario')} in{' '}
        {formatDuration(report.durationMs)}
        {report.time === '' ? '' : `, first at ${report.time.slice(0, 19).replace('T', ' ')} UTC`}, cnilab{' '}
        {report.labVersion}, recorded in <code>{report.folder}</code>
      </p>
      {report.notices.map((notice) => (
        <p key={notice}>{notice}</p>
      ))}
    </header>
  );
}

const ITEMS_AT_ONCE = 25;

function Attention({ report }: { readonly report: Report }) {
  const [shown, setShown] = useState(ITEMS_AT_ONCE);
  const { attention } = report;
  if (attention.length === 0) return null;
  return (
    <Section title="What needs attention" id="attention">
      <ol class="attention">
        {attention.slice(0, shown).map((item, index) => (
          <li key={index}>
            <Item item={item} report={report} />
          </li>
        ))}
      </ol>
      {attention.length > shown ? (
        <button type="button" onClick={() => setShown(shown + 100)}>
          Show more ({attention.length - shown} left)
        </button>
      ) : null}
    </Section>
  );
}

const LINKS_AT_ONCE = 12;

function Item({ item, report }: { readonly item: AttentionItem; readonly report: Report }) {
  const [all, setAll] = useState(false);
  const scenario = report.scenarios[item.scenario];
  const ofScenario = report.runs.filter((run) => run.scenario === item.scenario).length;
  const runs = item.runs.flatMap((at) => report.runs[at] ?? []);
  const [first] = runs;
  if (first === undefined) return null;
  return (
    <article class={`item is-${item.outcome}`}>
      <h3>
        <Badge outcome={item.outcome} />{' '}
        <a href={runHref(first)} data-run={first.slug}>
          {scenario?.name}
        </a>
        : {item.headline}
      </h3>
      <p class="facts">{scenario?.summary}</p>
      {item.lines.length === 0 ? null : <pre>{item.lines.join('\n')}</pre>}
      <p>
        In {item.runs.length} of {count(ofScenario, 'run')}:{' '}
        {runs.slice(0, all ? runs.length : LINKS_AT_ONCE).map((run, index) => (
          <>
            {index === 0 ? '' : ', '}
            <a href={runHref(run)} data-run={run.slug} key={run.slug}>
              {report.versions[run.version]} {run.rest}
            </a>
          </>
        ))}{' '}
        {all || runs.length <= LINKS_AT_ONCE ? null : (
          <button type="button" onClick={() => setAll(true)}>
            {runs.length - LINKS_AT_ONCE} more
          </button>
        )}
      </p>
    </article>
  );
}

function VersionChoice({ report }: { readonly report: Report }) {
  const { versions } = report;
  const [one, setOne] = useState(Math.max(0, versions.length - 2));
  const [other, setOther] = useState(versions.length - 1);
  if (versions.length < 2) return null;
  const choice = (label: string, id: string, value: number, set: (value: number) => void) => (
    <label for={id}>
      {label}{' '}
      <select id={id} value={value} onChange={(event) => set(Number(event.currentTarget.value))}>
        {versions.map((version, at) => (
          <option value={at} key={version}>
            {version}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Section title="Compare two versions" id="versions">
      <p class="filter">
        {choice('What changed from', 'version-before', one, setOne)}{' '}
        {choice('to', 'version-after', other, setOther)}{' '}
        <a class="button" href={`#/versions/${one}/${other}`}>
          Compare
        </a>
      </p>
    </Section>
  );
}

const ROW_HEIGHT = 29;

function RunList({ runs }: { readonly runs: readonly RunRow[] }) {
  const { scroller, from, to, isLong, before, after } = useRows({
    total: runs.length,
    rowHeight: ROW_HEIGHT,
  });
  return (
    <div
      class={`scroller ${isLong ? 'is-long' : ''}`}
      ref={scroller}
      tabIndex={isLong ? 0 : undefined}
      role="region"
      aria-label="All runs"
    >
      <table class="runs" aria-rowcount={runs.length + 1}>
        <ColumnHeads names={['outcome', 'run', 'duration']} />
        <tbody>
          <Gap height={before} columns={3} />
          {runs.slice(from, to).map((run, index) => (
            <tr key={run.slug} aria-rowindex={from + index + 2}>
              <td>
                <Badge outcome={run.outcome} />
              </td>
              <th scope="row">
                <a href={runHref(run)}>{run.title}</a>
              </th>
              <td class="number">{formatDuration(run.durationMs)}</td>
            </tr>
          ))}
          <Gap height={after} columns={3} />
        </tbody>
      </table>
    </div>
  );
}

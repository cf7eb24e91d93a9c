import type { FindingView, RunDetail, RunRow } from './data.ts';
import { comparedIn, Difference, otherDetail } from './difference.tsx';
import { count, formatDuration } from '../../../core/amounts.ts';
import { Badge, ColumnHeads, Section, useReady, Waiting } from './parts.tsx';
import { readDetail, type Report } from './read.ts';
import { Timeline } from './timeline.tsx';

/** One run: what did not pass, what happened when, what is left, and its components. */
export function RunPage({ report, run }: { readonly report: Report; readonly run: RunRow }) {
  const detail = useReady(() => readDetail(report, run), [run.slug]);
  const isRead = detail !== undefined && !(detail instanceof Error);
  return (
    <>
      <h1 tabIndex={-1}>
        <Badge outcome={run.outcome} /> {run.title}
      </h1>
      {run.detailsBy !== undefined ? (
        <p>
          The details of this run are left out, to keep this page usable. This command makes a page with them:{' '}
          <code class="command">{run.detailsBy}</code>
        </p>
      ) : run.at === undefined ? (
        <p>The run was not started, or did not end.</p>
      ) : isRead ? (
        <Detail report={report} run={run} detail={detail} />
      ) : (
        <Waiting failed={detail} />
      )}
    </>
  );
}

function Detail({
  report,
  run,
  detail,
}: {
  readonly report: Report;
  readonly run: RunRow;
  readonly detail: RunDetail;
}) {
  const bad = detail.findings.filter(({ outcome, isWarning }) => outcome !== 'pass' || isWarning);
  const passed = detail.findings.filter((finding) => !bad.includes(finding));
  return (
    <>
      <p>{detail.summary}</p>
      <p class="facts">
        {formatDuration(run.durationMs)} on {detail.backend}, at {detail.time.slice(0, 19).replace('T', ' ')}{' '}
        UTC, written in <code>{detail.place}</code>, recorded in <code>{detail.folder}</code>
      </p>
      <p>
        Repeat it: <code class="command">{detail.command}</code>
      </p>
      {detail.attempts.length === 0 ? null : (
        <Section title="Attempts" id="attempts">
          <ol class="attempts">
            {detail.attempts.map((attempt) => (
              <li key={attempt}>{attempt}</li>
            ))}
          </ol>
        </Section>
      )}
      <CompareWith report={report} run={run} />
      {detail.problems.length === 0 ? null : (
        <Section title="What is wrong" id="wrong">
          {detail.problems.map((problem, index) => (
            <article class={`item is-${run.outcome}`} key={index}>
              <h3>{problem.headline}</h3>
              {problem.place === undefined ? null : <p class="facts">at {problem.place}</p>}
              {problem.lines.length === 0 ? null : <pre>{problem.lines.join('\n')}</pre>}
              {problem.log.length === 0 ? null : (
                <>
                  <h4>warnings and errors of the runtime in this step</h4>
                  <pre>{problem.log.join('\n')}</pre>
                </>
              )}
            </article>
          ))}
          {detail.follows.length === 0 ? null : (
            <>
              <h3>After that, perhaps because of it</h3>
              <ul>
                {detail.follows.map((line, index) => (
                  <li key={index}>{line}</li>
                ))}
              </ul>
            </>
          )}
        </Section>
      )}
      <Section title="Timeline" id="timeline">
        <Timeline detail={detail} />
      </Section>
      <Section title="Expected and actual" id="findings">
        {bad.map((finding, index) => (
          <Finding finding={finding} key={index} />
        ))}
        <details>
          <summary>{count(passed.length, 'expectation')} that hold</summary>
          <ul class="passed">
            {passed.map((finding, index) => (
              <li key={index}>
                <code>{finding.stepId}</code> {finding.check}: {finding.message}
              </li>
            ))}
          </ul>
        </details>
      </Section>
      <Left detail={detail} />
      <Artifacts detail={detail} />
      <ScenarioText detail={detail} wrong={new Set(bad.flatMap(({ line }) => line ?? []))} />
    </>
  );
}

function CompareWith({ report, run }: { readonly report: Report; readonly run: RunRow }) {
  const others = report.runs.filter(
    (one) => one.scenario === run.scenario && one !== run && one.at !== undefined,
  );
  if (others.length === 0) return null;
  return (
    <p class="filter">
      <label>
        Compare with{' '}
        <select
          value=""
          onChange={({ currentTarget: { value } }) => {
            if (value !== '')
              location.hash = `#/compare/${encodeURIComponent(value)}/${encodeURIComponent(run.slug)}`;
          }}
        >
          <option value="">another run of this scenario</option>
          {others.map((one) => (
            <option value={one.slug} key={one.slug}>
              {report.versions[one.version]} {one.rest} ({one.outcome})
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}

function Finding({ finding }: { readonly finding: FindingView }) {
  const compared = comparedIn(finding);
  const other = otherDetail(finding);
  const [first = '', ...rest] = finding.message.split('\n');
  return (
    <article class={`item is-${finding.outcome}`}>
      <h3>
        <Badge outcome={finding.outcome} /> {finding.isWarning ? 'warning: ' : ''}
        {finding.stepId}
        {finding.node === undefined ? '' : ` on ${finding.node}`}: {first}
      </h3>
      {finding.place === undefined ? null : (
        <p class="facts">
          check <code>{finding.check}</code>, at {finding.place}
        </p>
      )}
      {rest.length === 0 ? null : <p>{rest.join(' ')}</p>}
      {compared === undefined ? null : <Difference {...compared} />}
      {other.length === 0 ? null : (
        <details open={other.length <= 24 || undefined}>
          <summary>{count(other.length, 'line')} of detail</summary>
          <pre>{other.join('\n')}</pre>
        </details>
      )}
      {finding.paste === undefined ? null : (
        <p>
          To expect it: <code class="command">{finding.paste}</code>
        </p>
      )}
    </article>
  );
}

function Left({ detail: { left, unseen } }: { readonly detail: RunDetail }) {
  return (
    <Section title="Left behind" id="left">
      {unseen.length === 0 ? null : (
        <>
          <p>The last look could not see everything:</p>
          <ul>
            {unseen.map((line, index) => (
              <li key={index}>{line}</li>
            ))}
          </ul>
        </>
      )}
      {left.length === 0 ? (
        <p>{unseen.length === 0 ? 'Nothing.' : 'Nothing that could be seen.'}</p>
      ) : (
        <div class="scroller">
          <table>
            <ColumnHeads names={['kind', 'name', 'pod', 'since', 'expected']} />
            <tbody>
              {left.map((item, index) => (
                <tr key={index} class={item.isUnexpected ? 'is-bad' : ''}>
                  <td>{item.kind}</td>
                  <th scope="row" class="name">
                    <code>{item.name}</code> {item.node === undefined ? '' : `on ${item.node}`}
                  </th>
                  <td>{item.pod ?? ''}</td>
                  <td>{item.since ?? ''}</td>
                  <td>{item.isUnexpected ? '✗ no' : 'yes, or not asked'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}

function Artifacts({ detail: { artifacts, host } }: { readonly detail: RunDetail }) {
  return (
    <Section title="Made of" id="made-of">
      <div class="scroller">
        <table>
          <ColumnHeads names={['component', 'version', 'source', 'made by', 'checksum']} />
          <tbody>
            {artifacts.map((one, index) => (
              <tr key={index}>
                <th scope="row">{one.name}</th>
                <td>{one.version}</td>
                <td>
                  {one.source} {one.note ?? ''}
                </td>
                <td class="made-by">{one.madeBy}</td>
                <td class="key">
                  <code>{one.key}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="facts">Host: {host.map(([name, value]) => `${name} ${value}`).join(', ')}</p>
    </Section>
  );
}

function ScenarioText({
  detail: { scenarioText, place, steps },
  wrong,
}: {
  readonly detail: RunDetail;
  readonly wrong: ReadonlySet<number>;
}) {
  const ids = new Map(steps.map(({ id, line }) => [line, id]));
  return (
    <Section title="Scenario" id="scenario">
      {scenarioText === undefined ? (
        <p>
          The record of this run has no text of the scenario. It is in <code>{place}</code>.
        </p>
      ) : (
        <details>
          <summary>{place}</summary>
          <ol class="source">
            {scenarioText.split('\n').map((line, index) => (
              <li key={index} class={wrong.has(index + 1) ? 'is-bad' : ''}>
                <code>{line === '' ? ' ' : line}</code>
                {wrong.has(index + 1) ? <strong> ← does not hold</strong> : null}
                {ids.has(index + 1) ? <small> {ids.get(index + 1)}</small> : null}
              </li>
            ))}
          </ol>
        </details>
      )}
    </Section>
  );
}

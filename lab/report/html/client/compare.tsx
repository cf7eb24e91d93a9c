import type { ArtifactView, FactView, RunDetail, RunRow } from './data.ts';
import { count } from '../../../core/amounts.ts';
import { Badge, ColumnHeads, runHref, Section, useReady, Waiting } from './parts.tsx';
import { readDetail, type Report } from './read.ts';

/** The details of two runs, when both are read. */
const useDetails = (report: Report, [one, other]: readonly [RunRow, RunRow]) =>
  useReady(() => Promise.all([readDetail(report, one), readDetail(report, other)]), [one.slug, other.slug]);

/** Two runs side by side: only the differences. */
export function ComparePage({
  report,
  one,
  other,
}: {
  readonly report: Report;
  readonly one: RunRow;
  readonly other: RunRow;
}) {
  const details = useDetails(report, [one, other]);
  const isRead = details !== undefined && !(details instanceof Error);
  return (
    <>
      <h1 tabIndex={-1}>
        {one.title} and {other.title}
      </h1>
      <p>
        <a href={runHref(one)}>{one.title}</a>: <Badge outcome={one.outcome} />,{' '}
        <a href={runHref(other)}>{other.title}</a>: <Badge outcome={other.outcome} />
      </p>
      {isRead ? (
        <Differences one={details[0]} other={details[1]} names={[one.title, other.title]} />
      ) : (
        <Waiting failed={details} />
      )}
    </>
  );
}

function Differences({
  one,
  other,
  names,
}: {
  readonly one: RunDetail | undefined;
  readonly other: RunDetail | undefined;
  readonly names: readonly [string, string];
}) {
  if (one === undefined || other === undefined) return <NoDetails />;
  const made = differing(one.artifacts.map(artifactFact), other.artifacts.map(artifactFact));
  return (
    <>
      <Section title="What happened" id="happened">
        <SideBySide rows={differing(one.facts, other.facts)} names={names} />
      </Section>
      <Section title="Made of" id="made-of">
        <SideBySide rows={made} names={names} />
      </Section>
    </>
  );
}

const NoDetails = () => <p>This page does not have the details of both runs, so it cannot compare them.</p>;

const artifactFact = ({ name, version, source, note = '' }: ArtifactView): FactView => ({
  stepId: name,
  text: `${version} ${source} ${note}`.trim(),
});

interface SideRow {
  readonly stepId: string;
  readonly one: readonly string[];
  readonly other: readonly string[];
}

/** For each step, in the order of the first run, what only one of the two has. */
export function differing(one: readonly FactView[], other: readonly FactView[]): readonly SideRow[] {
  const steps = [...new Set([...one, ...other].map(({ stepId }) => stepId))];
  const without = (
    facts: readonly FactView[],
    others: readonly FactView[],
    stepId: string,
  ): readonly string[] => {
    const left = others.filter((fact) => fact.stepId === stepId).map(({ text }) => text);
    return facts.flatMap((fact) => {
      if (fact.stepId !== stepId) return [];
      const at = left.indexOf(fact.text);
      if (at < 0) return [fact.text];
      left.splice(at, 1);
      return [];
    });
  };
  return steps
    .map((stepId) => ({ stepId, one: without(one, other, stepId), other: without(other, one, stepId) }))
    .filter(({ one, other }) => one.length + other.length > 0);
}

function SideBySide({
  rows,
  names: [first, second],
}: {
  readonly rows: readonly SideRow[];
  readonly names: readonly [string, string];
}) {
  if (rows.length === 0) return <p>No difference.</p>;
  return (
    <div class="scroller">
      <table class="sides">
        <ColumnHeads names={['where', `only ${first}`, `only ${second}`]} />
        <tbody>
          {rows.map(({ stepId, one, other }) => (
            <tr key={stepId}>
              <th scope="row">{stepId}</th>
              <Side texts={one} />
              <Side texts={other} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Side = ({ texts }: { readonly texts: readonly string[] }) => (
  <td>
    {texts.map((text, index) => (
      <p key={index}>
        <code>{text}</code>
      </p>
    ))}
  </td>
);

/** What changed between two versions of the runtime, for all scenarios that ran with both. */
export function VersionsPage({
  report,
  one,
  other,
}: {
  readonly report: Report;
  readonly one: number;
  readonly other: number;
}) {
  const [first = '', second = ''] = [report.versions[one], report.versions[other]];
  const keyOf = ({ scenario, rest }: RunRow): string => `${scenario} ${rest}`;
  const before = new Map(
    report.runs.filter(({ version }) => version === one).map((run) => [keyOf(run), run]),
  );
  const pairs = report.runs.flatMap((run) => {
    const partner = run.version === other ? before.get(keyOf(run)) : undefined;
    return partner === undefined ? [] : [{ before: partner, after: run }];
  });
  const changed = pairs.filter(
    ({ before, after }) => before.outcome !== after.outcome || before.behaviour !== after.behaviour,
  );
  return (
    <>
      <h1 tabIndex={-1}>
        What changed between {first} and {second}
      </h1>
      <p>
        {count(pairs.length, 'run')} with both versions.{' '}
        {changed.length === 0 ? 'Nothing' : count(changed.length, 'run')} changed. A run changed if its
        outcome, the end of a command, a message, a plugin call, or what it left behind differs, apart from
        ids and times.
      </p>
      {changed.map(({ before, after }) => (
        <Changed key={after.slug} {...{ report, before, after, first, second }} />
      ))}
    </>
  );
}

function Changed({
  report,
  before,
  after,
  first,
  second,
}: {
  readonly report: Report;
  readonly before: RunRow;
  readonly after: RunRow;
  readonly first: string;
  readonly second: string;
}) {
  const details = useDetails(report, [before, after]);
  const isRead = details !== undefined && !(details instanceof Error);
  const [one, another] = isRead ? details : [];
  return (
    <section aria-labelledby={`changed-${after.slug}`}>
      <h2 id={`changed-${after.slug}`}>
        {report.scenarios[after.scenario]?.name} {after.rest}
      </h2>
      <p class="facts">{report.scenarios[after.scenario]?.summary}</p>
      <p>
        <a href={runHref(before)}>{first}</a> <Badge outcome={before.outcome} />,{' '}
        <a href={runHref(after)}>{second}</a> <Badge outcome={after.outcome} />
      </p>
      {!isRead ? (
        <Waiting failed={details} />
      ) : one === undefined || another === undefined ? (
        <NoDetails />
      ) : (
        <SideBySide rows={differing(one.facts, another.facts)} names={[first, second]} />
      )}
    </section>
  );
}

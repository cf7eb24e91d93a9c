import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { RowOutcome, RunRow } from './data.ts';

/** The letter of an outcome, so that the outcome is not only shown by a colour. */
export const LETTERS: Readonly<Record<RowOutcome, string>> = {
  pass: 'P',
  flaky: 'R',
  fail: 'F',
  inconclusive: '?',
  'not run': '–',
};

export const classOf = (outcome: RowOutcome): string => `is-${outcome.replace(' ', '-')}`;

export const Badge = ({ outcome }: { readonly outcome: RowOutcome }) => (
  <span class={`badge ${classOf(outcome)}`}>
    <span aria-hidden="true">{LETTERS[outcome]}</span> {outcome}
  </span>
);

export const runHref = ({ slug }: Pick<RunRow, 'slug'>): string => `#/run/${encodeURIComponent(slug)}`;

/** A value that is shown when it is ready, or the error if it could not be made. */
export function useReady<T>(make: () => Promise<T>, keys: readonly unknown[]): T | Error | undefined {
  const [ready, setReady] = useState<T | Error | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    setReady(undefined);
    make().then(
      (value) => isWanted && setReady(() => value),
      (thrown: unknown) => isWanted && setReady(thrown instanceof Error ? thrown : new Error(String(thrown))),
    );
    return () => void (isWanted = false);
  }, keys);
  return ready;
}

export const Waiting = ({ failed }: { readonly failed: Error | undefined }) =>
  failed === undefined ? (
    <p role="status">Reading…</p>
  ) : (
    <p role="alert">This part of the report cannot be read: {failed.message}</p>
  );

/** A part of the page with its heading. */
export function Section({
  title,
  id,
  children,
}: {
  readonly title: string;
  readonly id: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** The column headers of a table. */
export const ColumnHeads = ({ names }: { readonly names: readonly string[] }) => (
  <thead>
    <tr>
      {names.map((name) => (
        <th scope="col" key={name}>
          {name}
        </th>
      ))}
    </tr>
  </thead>
);

/** If there are more rows, only those in view are rendered. */
const ALL_AT_ONCE = 150;
const OUT_OF_VIEW = 12;

interface RowsOptions {
  readonly total: number;
  /** of one row, in pixels */
  readonly rowHeight: number;
}

/** Which rows of a long table to render: those in view of the scrolling element, and a few more. */
export function useRows({ total, rowHeight }: RowsOptions) {
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const isLong = total > ALL_AT_ONCE;
  useEffect(() => {
    const element = scroller.current;
    if (element === null || !isLong) return undefined;
    const measure = () => {
      setTop(element.scrollTop);
      setHeight(element.clientHeight);
    };
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    return () => element.removeEventListener('scroll', measure);
  }, [isLong]);
  // the browser only corrects the scroll position of a shorter table after it was drawn
  const scrolled = Math.min(top, Math.max(0, total * rowHeight - height));
  const from = isLong ? Math.max(0, Math.floor(scrolled / rowHeight) - OUT_OF_VIEW) : 0;
  const to = isLong ? Math.min(total, Math.ceil((scrolled + height) / rowHeight) + OUT_OF_VIEW) : total;
  /** Scrolls to a row. */
  const show = (row: number): void => {
    const element = scroller.current;
    if (element === null || !isLong) return;
    const at = row * rowHeight;
    if (at < element.scrollTop || at > element.scrollTop + element.clientHeight - 3 * rowHeight)
      element.scrollTop = Math.max(0, at - element.clientHeight / 2);
  };
  return { scroller, from, to, isLong, show, before: from * rowHeight, after: (total - to) * rowHeight };
}

/** Takes the space of rows that are not rendered. */
export const Gap = ({ height, columns }: { readonly height: number; readonly columns: number }) =>
  height === 0 ? null : (
    <tr aria-hidden="true" class="gap">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );

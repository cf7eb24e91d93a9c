import { render } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { ComparePage, VersionsPage } from './compare.tsx';
import { Overview } from './overview.tsx';
import { useReady, Waiting } from './parts.tsx';
import { readReport, type Report } from './read.ts';
import { RunPage } from './run.tsx';

function App() {
  const report = useReady(readReport, []);
  const isRead = report !== undefined && !(report instanceof Error);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <nav aria-label="Report">
        <a href="#/">Overview</a>
        <Theme />
      </nav>
      <main id="main" tabIndex={-1}>
        {isRead ? <Page report={report} /> : <Waiting failed={report} />}
      </main>
    </>
  );
}

/** Moves the focus without changing the address, because the address selects the part of the report that is shown. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** The part of the report in the address: `#/run/SLUG`, `#/compare/SLUG/SLUG`, `#/versions/3/4`. */
function Page({ report }: { readonly report: Report }) {
  const [hash, setHash] = useState(location.hash);
  const last = useRef<string | undefined>(undefined);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  useEffect(() => {
    // returning from a run keeps the scroll position; a new page starts at its heading
    if (last.current !== undefined && last.current !== hash) {
      const from = /^#\/run\/(.*)$/.exec(last.current)?.[1];
      const slug = from === undefined ? undefined : CSS.escape(decodeURIComponent(from));
      const link = slug === undefined ? null : document.querySelector<HTMLElement>(`a[data-run="${slug}"]`);
      const isOverview = hash === '' || hash === '#/';
      const target = (isOverview ? link : null) ?? document.querySelector<HTMLElement>('h1');
      if (!isOverview) scrollTo(0, 0);
      target?.focus();
    }
    last.current = hash;
    const [heading] = document.getElementsByTagName('h1');
    document.title = `${heading?.textContent?.trim() ?? ''} - cnilab report`;
  }, [hash]);
  return pageOf(report, hash);
}

function pageOf(report: Report, hash: string) {
  const [kind, ...parts] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  const runOf = (slug: string | undefined) => report.runs.find((run) => run.slug === slug);
  const [one, other] = parts;
  const [run, otherRun] = [runOf(one), runOf(other)];
  if (kind === 'run' && run !== undefined) return <RunPage key={run.slug} report={report} run={run} />;
  if (kind === 'compare' && run !== undefined && otherRun !== undefined)
    return <ComparePage key={hash} report={report} one={run} other={otherRun} />;
  if (kind === 'versions')
    return <VersionsPage key={hash} report={report} one={Number(one)} other={Number(other)} />;
  return <Overview report={report} />;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

const THEMES = ['system', 'light', 'dark'] as const;
type ThemeName = (typeof THEMES)[number];
const STORED_AS = 'cnilab-report-theme';

/** Light, dark, or the setting of the system. The browser may not allow a page from disk to store the choice. */
function Theme() {
  const [theme, setTheme] = useState<ThemeName>(storedTheme);
  // before the browser paints, so that the page is never first shown in another theme
  useLayoutEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem(STORED_AS, theme);
    } catch {
      // then the choice is only for this visit
    }
  }, [theme]);
  return (
    <label>
      Theme{' '}
      <select
        value={theme}
        onChange={(event) => setTheme(THEMES[event.currentTarget.selectedIndex] ?? 'system')}
      >
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function storedTheme(): ThemeName {
  try {
    return THEMES.find((name) => name === localStorage.getItem(STORED_AS)) ?? 'system';
  } catch {
    return 'system';
  }
}

const app = document.getElementById('app');
if (app !== null) render(<App />, app);

import { shown } from '../core/content.ts';
import { unreachable } from '../core/lab-error.ts';
import type { RunEnded } from '../events.ts';
import { REPORT_COLUMNS } from './alike.ts';
import { attemptTexts, isFlaky } from './attempts.ts';
import { InOrder } from './collector.ts';
import { glanceAt, glanceBlocks } from './glance.ts';
import type { Reporter } from './reporter.ts';

/**
 * TAP 14 (https://testanything.org/tap-version-14-specification.html): a test point for each run, in the order of the
 * plan. An inconclusive run is `not ok`, because TAP has no third result. The block below it has the outcome.
 */
export function createTapReporter({ write }: { readonly write: (text: string) => void }): Reporter {
  let written = 0;
  const points = new InOrder<Point>(({ isOk, title, block }) => {
    if (written === 0) write('TAP version 14\n');
    written += 1;
    write(`${isOk ? 'ok' : 'not ok'} ${written} - ${description(title)}\n${yaml(block)}`);
  });
  return {
    name: 'tap',
    on(event) {
      switch (event.kind) {
        case 'session-started':
          return points.planned(event.runs);
        case 'run-ended': {
          const { run, verdict } = event;
          const isOk = verdict.outcome === 'pass';
          return points.ended(run, { isOk, title: run.title, block: blockOf(event) });
        }
        case 'notice':
          return write(`# ${line(event.message)}\n`);
        case 'interrupted':
          return write(`# interrupted by ${line(event.by)}\n`);
        case 'progress':
        case 'run-started':
        case 'observed':
        case 'session-ended':
          return;
        default:
          return unreachable(event);
      }
    },
    end() {
      const block = { outcome: 'not run', message: 'the run was not started or did not end' };
      points.end(({ title }) => ({ isOk: false, title, block }));
      if (written === 0) write('TAP version 14\n');
      write(`1..${written}\n`);
    },
  };
}

interface Point {
  readonly isOk: boolean;
  readonly title: string;
  readonly block: Block;
}

type Block = Readonly<Record<string, string | number | readonly string[]>>;

function blockOf(ended: RunEnded): Block {
  const { run, verdict, entries, durationMs, outputHostPath, attempts } = ended;
  const { outcome, findings } = verdict;
  const base = {
    duration_ms: Math.round(durationMs),
    outcome,
    ...(isFlaky(ended) ? { flaky: 'true' } : {}),
    ...(attempts === undefined ? {} : { attempts: attemptTexts({ attempts }) }),
  };
  if (outcome === 'pass') return base;
  const glance = glanceAt({ run, findings, outcome, entries, columns: REPORT_COLUMNS });
  const [first] = glance.problems;
  return {
    ...base,
    ...(first === undefined ? {} : { message: first.headline }),
    ...(first?.place === undefined ? {} : { at: first.place }),
    detail: glanceBlocks(glance).flatMap(({ lines }) => lines),
    folder: outputHostPath,
  };
}

const line = (text: string): string => shown(text).replaceAll(/[\t\n]/g, ' ');

/** `#` would start a directive such as `# SKIP`. */
const description = (text: string): string => line(text).replaceAll('\\', '\\\\').replaceAll('#', '\\#');

/** A JSON string is also a YAML string, so no text can end the block. */
const quote = (text: string | number): string => JSON.stringify(typeof text === 'string' ? line(text) : text);

function yaml(block: Block): string {
  const lines = Object.entries(block).flatMap(([key, value]) =>
    typeof value === 'string' || typeof value === 'number'
      ? [`${key}: ${quote(value)}`]
      : [`${key}:`, ...value.map((item) => `  - ${quote(item)}`)],
  );
  return `  ---\n${lines.map((text) => `  ${text}\n`).join('')}  ...\n`;
}

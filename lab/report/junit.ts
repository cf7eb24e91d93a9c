import { shownLine, shown } from '../core/content.ts';
import type { RunEnded } from '../events.ts';
import { worst, type Finding } from '../judge/verdict.ts';
import type { JournalEntry } from '../observe/observation.ts';
import { headOf, type RunHead, type RunPlan } from '../plan/plan.ts';
import { attemptTexts, isFlaky } from './attempts.ts';
import { InOrder, scenarioKey } from './collector.ts';
import { PackedText } from './packed-text.ts';
import type { Reporter } from './reporter.ts';
import { type Glance, glanceAt, linesOfProblem } from './glance.ts';
import { artifactsText, findingsText } from './run-text.ts';

/**
 * For CI services: a testsuite for each scenario. It has a testcase for each step of each cell, and one for the end of
 * the cell. GitHub, Jenkins and GitLab then list `missing-version containerd=1.6.3 › 2-stop-pod`. A failed step is a
 * failure, an inconclusive one is an error, and one that was not reached is skipped. A control is one testcase: its
 * result was the expected one, or not.
 */
export function createJunitReporter({ write }: { readonly write: (text: string) => void }): Reporter {
  const suites = new Map<string, Suite>();
  const cases = new InOrder<Cases>(({ run, xml, counts, flaky }) => {
    const key = scenarioKey(run);
    const suite = suites.get(key) ?? newSuite(run);
    suites.set(key, suite);
    suite.cases.add(xml);
    suite.counts = addCounts(suite.counts, counts);
    if (flaky) suite.flaky += 1;
  });
  return {
    name: 'junit',
    on(event) {
      if (event.kind === 'session-started') cases.planned(event.runs);
      if (event.kind === 'run-ended')
        cases.ended(event.run, formatCases(headOf(event.run), casesOf(event), isFlaky(event)));
    },
    end() {
      cases.end((run) => formatCases(run, [notRun(run)], false));
      writeSuites([...suites.values()], write);
    },
  };
}

/** The testcases of one run as document text. */
interface Cases {
  readonly run: RunHead;
  readonly xml: string;
  readonly counts: Counts;
  readonly flaky: boolean;
}

/** The testcases of one scenario. */
interface Suite {
  readonly name: string;
  readonly file: string;
  /** compressed, because the document starts with the number of all cases, and there may be 100,000 runs */
  readonly cases: PackedText;
  counts: Counts;
  /** how many of its runs are flaky */
  flaky: number;
}

const newSuite = ({ scenario: { name, place } }: RunHead): Suite => ({
  ...{ name, file: place.file, cases: new PackedText(), counts: NONE, flaky: 0 },
});

interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly seconds: number;
}

const formatCases = (run: RunHead, cases: readonly Element[], flaky: boolean): Cases => ({
  run,
  xml: cases.map((one) => `${formatElement(one, '    ')}\n`).join(''),
  counts: countCases(cases),
  flaky,
});

/** Written in pieces. A suite starts with the number of its cases, and the document with the number of all cases. */
function writeSuites(suites: readonly Suite[], write: (text: string) => void): void {
  const all = suites.reduce((sum, { counts }) => addCounts(sum, counts), NONE);
  const { skipped: _, ...counts } = asAttributes(all);
  const document = element('testsuites', { name: 'cnilab', ...counts });
  if (suites.length === 0) return write(formatXml(document));
  write(`${XML}${formatStart(document)}>\n`);
  for (const { name, file, cases, counts, flaky } of suites) {
    // the schema of Jenkins (junit-10.xsd) has a `file` for a suite, but not for a case
    const suite = element('testsuite', { name, file, ...asAttributes(counts) });
    write(`  ${formatStart(suite)}>\n`);
    for (const one of flakyProperty(flaky)) write(`${formatElement(one, '    ')}\n`);
    cases.writeTo(write);
    write(`  </${suite.name}>\n`);
  }
  write(`</${document.name}>\n`);
}

const element = (
  name: string,
  attributes: Element['attributes'],
  children: Element['children'] = [],
): Element => ({ name, attributes, children });

/** The number of flaky runs of a suite, if there are any. */
const flakyProperty = (flaky: number): readonly Element[] =>
  flaky === 0
    ? []
    : [element('properties', {}, [element('property', { name: 'flaky', value: String(flaky) })])];

const NONE: Counts = { tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0 };

const addCounts = (a: Counts, b: Counts): Counts => ({
  tests: a.tests + b.tests,
  failures: a.failures + b.failures,
  errors: a.errors + b.errors,
  skipped: a.skipped + b.skipped,
  seconds: a.seconds + b.seconds,
});

const asAttributes = ({ seconds, ...counts }: Counts) => ({ ...counts, time: seconds.toFixed(3) });

function countCases(cases: readonly Element[]): Counts {
  const number = (name: string) =>
    cases.filter(({ children }) => children.some((child) => typeof child !== 'string' && child.name === name))
      .length;
  return {
    tests: cases.length,
    failures: number('failure'),
    errors: number('error'),
    skipped: number('skipped'),
    seconds: cases.reduce((sum, { attributes }) => sum + Number(attributes['time'] ?? 0), 0),
  };
}

const attributesOf = (run: RunHead, { stepId, ms }: { readonly stepId: string; readonly ms: number }) => ({
  classname: run.title,
  name: stepId,
  time: (ms / 1000).toFixed(3),
});

const notRun = (run: RunHead): Element =>
  element('testcase', attributesOf(run, { stepId: 'run', ms: 0 }), [
    element('error', { message: 'the run was not started or did not end' }),
  ]);

function casesOf(ended: RunEnded): readonly Element[] {
  const { run, verdict, entries, durationMs } = ended;
  if (run.control !== undefined) {
    const findings = verdict.findings.filter(({ check }) => check === 'control');
    const result = resultOf(findings.length === 0 ? verdict.findings : findings, run);
    const attributes = attributesOf(run, { stepId: 'control', ms: durationMs });
    return [element('testcase', attributes, [...result, ...repeatedOf(ended), systemOut(ended)])];
  }
  const { findings, outcome } = verdict;
  const glance = glanceAt({ run, findings, outcome, entries, columns: COLUMNS });
  const planned = [...new Set(run.steps.map(({ id }) => id)), 'end']; // one `parallel` is on each of its nodes
  // the start and other checks that are not steps get a case only if they did not pass
  const ofAll = [findings, ...othersOf(ended).map(({ verdict }) => verdict.findings)].flat();
  const others = ofAll.filter(({ stepId, outcome }) => outcome !== 'pass' && !planned.includes(stepId));
  const stepIds = [...new Set(others.map(({ stepId }) => stepId)), ...planned];
  return stepIds.map((stepId) => {
    const ofStep = findings.filter((finding) => finding.stepId === stepId && !isTidied(finding));
    return element('testcase', attributesOf(run, { stepId, ms: tookMs(stepId, entries) }), [
      ...(ofStep.length > 0 || planned.includes(stepId) ? resultOf(ofStep, run, glance) : []),
      ...repeatedOf(ended, stepId),
      ...(stepId === 'end' ? [systemOut(ended)] : []),
    ]);
  });
}

/** That the node was removed without problems does not show that the run reached its end. */
const isTidied = ({ check, outcome }: Finding): boolean => check === 'cleanup' && outcome === 'pass';

/** width of the shown part of two texts around their first difference */
const COLUMNS = 120;

/** The attempts other than the one that decides. */
const othersOf = ({ attempts = [], outputHostPath }: RunEnded): NonNullable<RunEnded['attempts']> =>
  attempts.filter((attempt) => attempt.outputHostPath !== outputHostPath);

/**
 * What did not pass in the other attempts, in one step or in total. The elements are those of Surefire and of newer
 * versions of Jenkins: https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd.
 */
const repeatedOf = (ended: RunEnded, stepId?: string): readonly Element[] =>
  othersOf(ended).flatMap(({ verdict: { findings } }) => {
    const own = findings.filter((one) => one.outcome !== 'pass' && (stepId ?? one.stepId) === one.stepId);
    const outcome = worst(own.map((one) => one.outcome));
    const first = own.find((one) => one.outcome === outcome);
    if (first === undefined) return [];
    const name = `${isFlaky(ended) ? 'flaky' : 'rerun'}${outcome === 'fail' ? 'Failure' : 'Error'}`;
    const message = shownLine(`${first.stepId}: ${first.message}`, { whole: 'verdict.json' });
    const text = findingsText(own, ended.run).join('\n');
    return [element(name, { type: first.check, message }, [element('stackTrace', {}, [text])])];
  });

/** Empty for a pass. A failure comes before inconclusive, and includes the details of both. */
function resultOf(findings: readonly Finding[], run: RunPlan, glance?: Glance): readonly Element[] {
  if (findings.length === 0)
    return [element('skipped', {}, ['nothing is known of it: the run did not come so far'])];
  const outcome = worst(findings.map((finding) => finding.outcome));
  if (outcome === 'pass') return [];
  const first = findings.find((finding) => finding.outcome === outcome);
  const problems = (glance?.problems ?? []).filter(({ stepId }) => stepId === first?.stepId);
  const follows = (glance?.follows ?? []).filter(({ stepId }) => stepId === first?.stepId);
  const [cause] = glance?.problems ?? [];
  const because =
    problems.length === 0 && cause !== undefined ? [`perhaps because of ${cause.headline}`] : [];
  const lines = [...problems.flatMap(linesOfProblem), ...because, ...follows.map(({ line }) => line)];
  const text = (problems.length + follows.length > 0 ? lines : findingsText(findings, run)).join('\n');
  const message = problems[0]?.headline ?? follows[0]?.line ?? first?.message ?? '';
  const name = outcome === 'fail' ? 'failure' : 'error';
  return [
    element(name, { type: first?.check ?? '', message: shownLine(message, { whole: 'verdict.json' }) }, [
      text,
    ]),
  ];
}

function systemOut({ outputHostPath, entries, attempts }: RunEnded): Element {
  const artifacts = artifactsText(entries);
  const lines = [
    `recorded in ${outputHostPath}`,
    ...(artifacts === '' ? [] : [`made of ${artifacts}`]),
    ...attemptTexts({ attempts }),
  ];
  return element('system-out', {}, [lines.join('\n')]);
}

function tookMs(stepId: string, entries: readonly JournalEntry[]): number {
  const at = (kind: 'step-started' | 'step-ended') =>
    entries.find((entry) => entry.kind === kind && entry.stepId === stepId)?.atMs;
  return Math.max(0, (at('step-ended') ?? 0) - (at('step-started') ?? 0));
}

/** An element of an XML document. Its children are text or elements, in order. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (Element | string)[];
}

/** A document, indented by two spaces. An element that contains text is on one line with it. */
export function formatXml(root: Element): string {
  return `${XML}${formatElement(root, '')}\n`;
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** `<name key="value"`, not closed */
function formatStart({ name, attributes }: Element): string {
  const texts = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escapeAttribute(String(value))}"`,
  );
  return `<${name}${texts.join('')}`;
}

function formatElement(one: Element, indent: string): string {
  const { name, children } = one;
  const open = `${indent}${formatStart(one)}`;
  if (children.length === 0) return `${open}/>`;
  if (children.every((child) => typeof child === 'string'))
    return `${open}>${children.map(escapeText).join('')}</${name}>`;
  const inner = children.map((child) =>
    typeof child === 'string' ? escapeText(child) : formatElement(child, `${indent}  `),
  );
  return `${open}>\n${inner.join('\n')}\n${indent}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(text: string): string {
  return allowed(text)
    .replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? character)
    .replaceAll('\r', '&#13;');
}

/** Escapes line breaks and tabs, which a parser would otherwise turn into spaces. */
function escapeAttribute(text: string): string {
  return allowed(text)
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
    .replaceAll(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Spells out characters that XML 1.0 cannot contain even when they are escaped, https://www.w3.org/TR/xml/#charsets,
 * and characters that a reader cannot see: `\u001b`, `\u202e`. A carriage return is escaped with XML escapes.
 */
function allowed(text: string): string {
  return text
    .split('\r')
    .map(shown)
    .join('\r')
    .replaceAll(
      /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

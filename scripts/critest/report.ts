import type { LeftOut } from './causes.ts';
import type { JsonValue } from '../../lab/core/content.ts';

/** The result of one spec of critest. */
export interface SpecReport {
  /** in the form that `--focus` and `--skip` match */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** why it failed, or the reason of the spec when it skipped */
  readonly message: string;
  readonly seconds: number;
}

/**
 * The selected specs, from the JSON report that Ginkgo writes for a suite. Undefined if the text is not such a report.
 */
export function readReport(json: string): readonly SpecReport[] | undefined {
  const parsed: unknown = JSON.parse(json);
  const suites = Array.isArray(parsed) ? parsed.filter(isTable) : [];
  const specs = suites.flatMap(({ SpecReports }) =>
    Array.isArray(SpecReports) ? (SpecReports as unknown[]) : [],
  );
  if (suites.length === 0) return undefined;
  return specs
    .filter(isTable)
    .filter((spec) => spec.LeafNodeType === 'It' || !HARMLESS.includes(textOf(spec.State)))
    .filter((spec) => !(spec.State === 'skipped' && messageOf(spec) === ''))
    .map((spec) => ({
      name: nameOf(spec),
      outcome: outcomeOf(textOf(spec.State)),
      message: messageOf(spec),
      seconds: typeof spec.RunTime === 'number' ? spec.RunTime / 1e9 : 0,
    }));
}

const HARMLESS = ['passed', 'skipped', 'pending'];

/** Every state that is not known to be harmless is a failure: panicked, timedout, interrupted, aborted. */
const outcomeOf = (state: string): SpecReport['outcome'] =>
  state === 'passed' ? 'passed' : state === 'skipped' || state === 'pending' ? 'skipped' : 'failed';

const nameOf = ({ ContainerHierarchyTexts, LeafNodeText, LeafNodeType }: JsonTable): string =>
  [
    ...(Array.isArray(ContainerHierarchyTexts) ? ContainerHierarchyTexts.map(textOf) : []),
    textOf(LeafNodeText) || `[${textOf(LeafNodeType)}]`,
  ].join(' ');

const messageOf = ({ Failure }: JsonTable): string =>
  isTable(Failure) ? textOf(Failure.Message).trim() : '';

interface JsonTable {
  readonly [key: string]: JsonValue | undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const isTable = (value: unknown): value is JsonTable =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Counts in one line, then every spec that failed, was skipped or was left out, with its reason. */
export function formatReport({ title, specs, leftOut, causeOf }: Report): string {
  const of = (outcome: SpecReport['outcome']) => specs.filter((spec) => spec.outcome === outcome);
  const counts = [
    `${specs.length} specs: ${of('passed').length} passed`,
    `${of('failed').length} failed`,
    `${of('skipped').length} skipped`,
    ...(leftOut.length === 0 ? [] : [`${leftOut.length} left out`]),
  ];
  const listed = (what: string, name: string, why: string) =>
    `  ${what}  ${name}\n${why.replace(/^(?=.)/gm, '    ')}\n`;
  const reasonOf = ({ name, message }: SpecReport) => causeOf(name) ?? (message || 'it does not say why');
  return [
    `${title}: ${counts.join(', ')}\n`,
    ...of('failed').map((spec) => listed('failed', spec.name, reasonOf(spec))),
    ...of('skipped').map((spec) => listed('skipped', spec.name, spec.message || 'it does not say why')),
    ...leftOut.map(({ name, why }) => listed('left out', name, why)),
  ].join('');
}

interface Report {
  readonly title: string;
  readonly specs: readonly SpecReport[];
  readonly leftOut: readonly LeftOut[];
  /** shown instead of the message of a failed spec */
  readonly causeOf: (spec: string) => string | undefined;
}

/**
 * What the lab writes into an HTML report and the page reads from it. Nothing is imported here, as the lab runs on Node and
 * the page in a browser. All texts are safe to be shown: control characters are spelled out, and long lines are cut.
 */

export type RunOutcome = 'pass' | 'fail' | 'inconclusive' | 'not run';
/** `flaky` passed, and only when it was repeated */
export type RowOutcome = RunOutcome | 'flaky';

/** What the first screen needs. It is small: for 5,000 runs some hundred kilobytes before compression. */
export interface Report extends ReportIndex {
  readonly runs: readonly RunRow[];
}

/** The same without the rows, of which there may be 100,000, so that they stand in blocks of their own. */
export interface ReportIndex {
  readonly formatVersion: 1;
  readonly outcome: RunOutcome;
  readonly labVersion: string;
  /** ISO 8601, of the first run that said it; empty where no run began */
  readonly time: string;
  readonly durationMs: number;
  /** where the runs are recorded */
  readonly folder: string;
  readonly notices: readonly string[];
  readonly scenarios: readonly ScenarioRow[];
  /** the columns of the matrix, in their order */
  readonly versions: readonly string[];
  readonly attention: readonly AttentionItem[];
}

export interface ScenarioRow {
  readonly name: string;
  readonly summary: string;
  readonly isControl: boolean;
}

export interface RunRow {
  readonly slug: string;
  readonly title: string;
  /** its place in `scenarios` */
  readonly scenario: number;
  /** its place in `versions` */
  readonly version: number;
  /** the values of the axes that are no column, `cni-plugins=1.1.1`; empty if there are none */
  readonly rest: string;
  readonly outcome: RowOutcome;
  readonly durationMs: number;
  /** the same for two runs that showed the same behaviour; empty where it is not known */
  readonly behaviour: string;
  /** the block with its details, and its place in that; missing for a run that did not end */
  readonly at?: readonly [block: number, place: number];
}

/** Runs of one scenario that did not pass in the same way. */
export interface AttentionItem {
  readonly scenario: number;
  readonly outcome: RunOutcome;
  readonly headline: string;
  /** of the first of its runs: what was expected, what happened, and what follows from it */
  readonly lines: readonly string[];
  /** places in `runs` */
  readonly runs: readonly number[];
}

/** What one run shows. Compressed in a block, and read when somebody opens the run. */
export interface RunDetail {
  readonly summary: string;
  /** the file and the line of the scenario */
  readonly place: string;
  readonly scenarioText?: string;
  /** what repeats the run, as a shell takes it */
  readonly command: string;
  readonly folder: string;
  readonly backend: string;
  readonly time: string;
  readonly host: readonly (readonly [name: string, value: string])[];
  /** a line for each attempt, where there was more than one */
  readonly attempts: readonly string[];
  /** what did not pass, from the same place as in all other reports */
  readonly problems: readonly ProblemView[];
  readonly follows: readonly string[];
  readonly findings: readonly FindingView[];
  readonly left: readonly LeftView[];
  /** kinds that the last look could not see, with the reason */
  readonly unseen: readonly string[];
  readonly artifacts: readonly ArtifactView[];
  readonly steps: readonly StepView[];
  readonly isRecorded: boolean;
  readonly events: readonly EventView[];
  /** what the runtime did, without ids and times, for a comparison with another run */
  readonly facts: readonly FactView[];
}

export interface ProblemView {
  readonly stepId: string;
  readonly headline: string;
  readonly place?: string;
  readonly lines: readonly string[];
  readonly log: readonly string[];
}

export interface FindingView {
  readonly check: string;
  readonly outcome: RunOutcome;
  readonly isWarning: boolean;
  readonly stepId: string;
  readonly node?: string;
  readonly message: string;
  readonly place?: string;
  /** the line of the scenario */
  readonly line?: number;
  readonly expected?: string;
  readonly actual?: string;
  readonly detail: readonly string[];
  readonly paste?: string;
}

export interface LeftView {
  readonly kind: string;
  readonly name: string;
  readonly node?: string;
  readonly pod?: string;
  readonly since?: string;
  /** the scenario does not expect it */
  readonly isUnexpected: boolean;
}

export interface ArtifactView {
  readonly name: string;
  readonly version: string;
  readonly source: string;
  readonly key: string;
  readonly madeBy: string;
  readonly note?: string;
}

export interface StepView {
  readonly id: string;
  readonly node?: string;
  readonly note?: string;
  readonly line: number;
}

export interface FactView {
  readonly stepId: string;
  readonly text: string;
}

export const LANES = ['steps', 'cri', 'cni', 'netns', 'log'] as const;
export type Lane = (typeof LANES)[number];

/** One thing in a lane of the timeline. */
export interface EventView {
  readonly lane: Lane;
  /** since the run started */
  readonly atMs: number;
  /** missing for what has no length */
  readonly durationMs?: number;
  readonly stepId: string;
  readonly node?: string;
  readonly label: string;
  /** of a log line: debug, info, warning, error; of others `failed` or nothing */
  readonly level: string;
  /** how many plugin calls this one is within */
  readonly depth: number;
  /** texts to show below it: the input and the output of a plugin, what a command printed */
  readonly more: readonly (readonly [name: string, text: string])[];
}

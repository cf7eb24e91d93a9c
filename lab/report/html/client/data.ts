/**
 * The data that the lab writes into an HTML report and the page reads. This file imports nothing, because the lab runs
 * on Node and the page in a browser. All texts are safe to display: control characters are escaped, and long lines are
 * cut.
 */

export type RunOutcome = 'pass' | 'fail' | 'inconclusive' | 'not run';
/** `flaky`: passed, but only when it was repeated */
export type RowOutcome = RunOutcome | 'flaky';

/** The data of the first screen. It is small: some hundred kilobytes for 5,000 runs before compression. */
export interface Report extends ReportIndex {
  readonly runs: readonly RunRow[];
}

/** The same without the rows. There may be 100,000 of them, so they are in separate blocks. */
export interface ReportIndex {
  readonly formatVersion: 1;
  readonly outcome: RunOutcome;
  readonly labVersion: string;
  /** ISO 8601, the start of the first run; empty if no run started */
  readonly time: string;
  readonly durationMs: number;
  /** the folder with the recorded runs */
  readonly folder: string;
  readonly notices: readonly string[];
  readonly scenarios: readonly ScenarioRow[];
  /** the columns of the matrix, in order */
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
  /** its index in `scenarios` */
  readonly scenario: number;
  /** its index in `versions` */
  readonly version: number;
  /** the values of axes that are not columns, `cni-plugins=1.1.1`; empty if there are none */
  readonly rest: string;
  readonly outcome: RowOutcome;
  readonly durationMs: number;
  /** equal for two runs with the same behaviour; empty if unknown */
  readonly behaviour: string;
  /** the block with its details, and its index in the block; missing for a run that did not end, or whose details are left out */
  readonly at?: readonly [block: number, place: number];
  /** a command, ready for a shell, that makes a page with the details, if they are left out here */
  readonly detailsBy?: string;
}

/** Runs of one scenario with the same problem. */
export interface AttentionItem {
  readonly scenario: number;
  readonly outcome: RunOutcome;
  readonly headline: string;
  /** of the first of its runs: what was expected, what happened, and what follows from it */
  readonly lines: readonly string[];
  /** indexes in `runs` */
  readonly runs: readonly number[];
}

/** The details of one run. They are compressed in a block, and read when a user opens the run. */
export interface RunDetail {
  readonly summary: string;
  /** file and line of the scenario */
  readonly place: string;
  readonly scenarioText?: string;
  /** a command, ready for a shell, that repeats the run */
  readonly command: string;
  readonly folder: string;
  readonly backend: string;
  readonly time: string;
  readonly host: readonly (readonly [name: string, value: string])[];
  /** a line for each attempt, if there was more than one */
  readonly attempts: readonly string[];
  /** what did not pass, from the same source as in all other reports */
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
  /** what the runtime did, without ids and times, to compare with another run */
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

/** One event in a lane of the timeline. */
export interface EventView {
  readonly lane: Lane;
  /** since the run started */
  readonly atMs: number;
  /** missing if it has no duration */
  readonly durationMs?: number;
  readonly stepId: string;
  readonly node?: string;
  readonly label: string;
  /** for a log line: debug, info, warning, error; for others `failed` or empty */
  readonly level: string;
  /** number of enclosing plugin calls */
  readonly depth: number;
  /** texts to show below it: the input and the output of a plugin, the output of a command */
  readonly more: readonly (readonly [name: string, text: string])[];
}

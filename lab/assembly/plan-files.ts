import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { BadInput, messageOf, err, ok, type Result } from '../core/lab-error.ts';
import { CHECKS } from '../judge/verdict.ts';
import type { VersionOverrides } from '../plan/cells.ts';
import { checkNames } from '../plan/checks.ts';
import {
  imageArchives,
  localComponents,
  versionFacts,
  type ImageArchive,
} from '../plan/resolve-component.ts';
import type { Pins } from '../plan/pins.ts';
import { needsRecorder, type Plan } from '../plan/plan.ts';
import { notesOn, notesOnConfig } from '../plan/notes.ts';
import { planScenarios } from '../plan/plan-scenarios.ts';
import { formatDiagnostic, mistakeAt, type Diagnostic } from '../spec/diagnostic.ts';
import { fileText, type Beside } from '../spec/yaml-file.ts';
import { parseScenario } from '../spec/scenario-shape.ts';
import type { Scenario } from '../spec/scenario.ts';
import { findScenarios, type ScenarioFile } from './find-scenarios.ts';
import { openArtifacts } from './open-artifacts.ts';
import { RUNTIMES } from './runtimes.ts';
import type { NodeFlags, World } from './world.ts';

/** The valid scenarios for the given names, and every mistake in every file. */
export async function readScenarios(
  world: World,
  names: readonly string[],
): Promise<{
  readonly scenarios: readonly Scenario[];
  readonly mistakes: readonly Diagnostic[];
  readonly filesRead: FilesRead;
}> {
  const scenarios: Scenario[] = [];
  const mistakes: Diagnostic[] = [];
  const filesRead = new Map<string, Set<string>>();
  for (const found of await findScenarios(names, world)) {
    const read = new Set([found.hostPath]);
    filesRead.set(found.hostPath, read);
    const parsed = readScenario(found, (hostPath) => read.add(hostPath));
    if (parsed.ok) scenarios.push(parsed.value);
    else mistakes.push(...parsed.error);
  }
  return { scenarios, mistakes: [...mistakes, ...checkNames(scenarios)], filesRead };
}

/**
 * The file of a scenario (absolute path) → everything that was read for it: the file itself, what it includes, and what
 * it copies.
 */
export type FilesRead = ReadonlyMap<string, ReadonlySet<string>>;

/** The scenario in one file, or every mistake in it. `onRead` gets each other file that belongs to it. */
export function readScenario(
  { file, hostPath, bytes }: ScenarioFile,
  onRead: (hostPath: string) => void = () => undefined,
): Result<Scenario, readonly Diagnostic[]> {
  const text = fileText({ file, bytes });
  if (!text.ok) return err([text.error]);
  const beside = readBeside(hostPath, onRead);
  return parseScenario({ file, text: text.value, checks: CHECKS, beside });
}

/** A file whose path is relative to the folder of a scenario. */
const readBeside =
  (scenarioHostPath: string, onRead: (hostPath: string) => void): Beside =>
  (path) => {
    const hostPath = resolve(dirname(scenarioHostPath), path);
    onRead(hostPath);
    try {
      return ok(readFileSync(hostPath));
    } catch (thrown) {
      return err(`${hostPath} cannot be read: ${messageOf(thrown)}`);
    }
  };

/** Without names, all scenarios but those with a cluster are meant: the first build of Kubernetes takes minutes. */
export const needsNoCluster = ({ cluster }: Scenario): boolean => cluster === undefined;

export interface PrepareOptions {
  readonly names: readonly string[];
  readonly flags: NodeFlags;
  readonly pins: Pins;
  /** receives likely mistakes */
  readonly note: (message: string) => void;
  /** receives the files that were read, even if they contain mistakes */
  readonly onRead?: (filesRead: FilesRead) => void;
}

/** The plan for the scenarios with these names. Throws BadInput with every mistake. */
export async function preparePlan(world: World, options: PrepareOptions): Promise<Plan> {
  const { scenarios: all, mistakes, filesRead } = await readScenarios(world, options.names);
  options.onRead?.(filesRead);
  if (mistakes.length > 0) throw mistakesFound(mistakes);
  const scenarios = options.names.length > 0 ? all : all.filter(needsNoCluster);
  for (const note of scenarios.flatMap(notesOn)) options.note(formatDiagnostic(note));
  const plan = await planOf(world, { ...options, scenarios });
  for (const note of notesOnConfig(plan, { scenarios, runtimes: RUNTIMES }))
    options.note(formatDiagnostic(note));
  return plan;
}

/** The plan for these scenarios with these flags. Components of the user are first asked for their version. */
export async function planOf(
  world: World,
  { scenarios, flags, pins }: { scenarios: readonly Scenario[]; flags: NodeFlags; pins: Pins },
): Promise<Plan> {
  const words = {
    cwd: world.cwd,
    overrides: overridesOf(flags, world.cwd),
    only: axisValues(flags.set ?? [], world.cwd),
  };
  const wrong = wrongArchives(imageArchives(scenarios, words));
  if (wrong.length > 0) throw mistakesFound(wrong);
  const artifacts = openArtifacts(world, { pins, flags, emit: () => {} });
  const localVersions: Record<string, string> = {};
  for (const { component, hostPath } of localComponents(scenarios, words)) {
    const { version } = await artifacts.describeLocal(component, hostPath, new AbortController().signal);
    localVersions[hostPath] = version;
  }
  const plan = planScenarios(scenarios, { ...words, facts: versionFacts(pins, localVersions) });
  if (!plan.ok) throw mistakesFound(plan.error);
  return withRecorder(plan.value, flags.record);
}

function wrongArchives(archives: readonly ImageArchive[]): readonly Diagnostic[] {
  return archives.flatMap(({ hostPath, scenario, place }) => {
    const message = whyUnreadable(hostPath);
    return message === undefined ? [] : [mistakeAt(place, { ...scenario, message })];
  });
}

function whyUnreadable(hostPath: string): string | undefined {
  try {
    return statSync(hostPath).isFile() ? undefined : `${hostPath} is not a file`;
  } catch (thrown) {
    return `${hostPath} cannot be read: ${messageOf(thrown)}`;
  }
}

/**
 * With `record`, the recorder runs on every node, or only on those whose expectations need it. Without the flag, the
 * scenarios decide.
 */
function withRecorder(plan: Plan, record: boolean | undefined): Plan {
  if (record === undefined) return plan;
  const runs = plan.runs.map((run) => ({
    ...run,
    nodes: run.nodes.map(({ record: _byScenario, ...node }) =>
      record || needsRecorder(node, run.steps) ? { ...node, record: true as const } : node,
    ),
  }));
  return { ...plan, runs };
}

function overridesOf(
  { containerd, crio, runc, cniPlugins, crictl, kubernetes }: NodeFlags,
  cwd: string,
): VersionOverrides {
  const versions = (texts: readonly (string | undefined)[] = []) =>
    texts.flatMap((text) => (text === undefined ? [] : [fromHere(text, cwd)]));
  return {
    containerd: versions(containerd),
    crio: versions(crio),
    runc: versions([runc]),
    'cni-plugins': versions([cniPlugins]),
    crictl: versions([crictl]),
    kubernetes: versions(kubernetes),
  };
}

/** A `local:` path on the command line is relative to the working directory. In a file it is relative to the file. */
const fromHere = (text: string, cwd: string): string =>
  text.startsWith('local:') ? `local:${resolve(cwd, text.slice('local:'.length))}` : text;

/** The values of `axis=value` flags by axis. Several flags for one axis are several values. */
function axisValues(set: readonly string[], cwd: string): Readonly<Record<string, readonly string[]>> {
  const values: Record<string, readonly string[]> = {};
  for (const word of set) {
    const equals = word.indexOf('=');
    if (equals < 1) throw new BadInput(`--set wants axis=value; got ${JSON.stringify(word)}`);
    const axis = word.slice(0, equals);
    const more = word.slice(equals + 1).split(',');
    values[axis] = [...(values[axis] ?? []), ...more.map((value) => fromHere(value, cwd))];
  }
  return values;
}

export function mistakesFound(mistakes: readonly Diagnostic[]): BadInput {
  return new BadInput(`${countMistakes(mistakes)}, and nothing was run\n\n${formatMistakes(mistakes)}`);
}

export const countMistakes = ({ length }: readonly Diagnostic[]): string =>
  length === 1 ? 'one mistake' : `${length} mistakes`;

export function formatMistakes(mistakes: readonly Diagnostic[]): string {
  return mistakes.map(formatDiagnostic).join('\n\n');
}

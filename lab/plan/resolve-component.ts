import { dirname, resolve } from 'node:path';

import { err, ok, type Result, unreachable } from '../core/lab-error.ts';
import { didYouMean, type Place } from '../spec/diagnostic.ts';
import type { VersionText, Scenario } from '../spec/scenario.ts';
import { parseVersionSpec } from '../spec/version-spec.ts';
import { type ComponentName, type ComponentRef, byComponent, COMPONENTS } from '../core/components.ts';
import type { ComponentPins, Pins } from './pins.ts';
import { pluginVersions } from '../spec/node-shape.ts';
import { present } from '../spec/object-shape.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import { cellsOf, nodeIn } from './cells.ts';
import { checkSize } from './checks.ts';
import { fillVersion } from './fill.ts';
import type { PlanOptions } from './plan-scenarios.ts';
import { runOn } from './plan.ts';

export interface ResolveOptions {
  readonly component: ComponentName;
  /** the text with all `${matrix.…}` filled in */
  readonly version: VersionText;
  readonly facts: VersionFacts;
  /** absolute; the files of scenarios are relative to it */
  readonly cwd: string;
}

/** The exact component that a version text means. The error is a message for its place. */
export function resolveComponent({
  component,
  version,
  facts,
  cwd,
}: ResolveOptions): Result<ComponentRef, string> {
  const spec = parseVersionSpec(version.text);
  if (!spec.ok) return err(`${component}: ${spec.error}`);
  switch (spec.value.kind) {
    case 'default':
      return ok({ component, version: facts.defaults[component] });
    case 'version': {
      const { version: exact, source } = spec.value;
      return ok({ component, version: exact, ...(source === undefined ? {} : { source }) });
    }
    case 'suite':
      return resolveSuite(spec.value.suite, { component, facts });
    case 'local': {
      const hostPath = localHostPath({ ...version, text: spec.value.path }, cwd);
      const reported = facts.localVersions[hostPath];
      if (reported === undefined) {
        return err(
          `${component}: ${hostPath} could not be asked for its version; there must be a program that answers --version`,
        );
      }
      return ok({ component, source: 'local', hostPath, version: reported });
    }
    default:
      return unreachable(spec.value);
  }
}

/** Paths of files of the user are relative to the folder of the file that contains them. */
export const localHostPath = ({ text, place }: VersionText, cwd: string): string =>
  resolve(cwd, dirname(place.file), text);

function resolveSuite(
  suite: string,
  { component, facts }: { component: ComponentName; facts: VersionFacts },
): Result<ComponentRef, string> {
  const suites = Object.keys(facts.suites);
  const versions = facts.suites[suite];
  if (versions === undefined) {
    return err(
      `no suite of Debian is called "${suite}"${didYouMean(suite, suites) || ';'} known: ${suites.join(', ')}`,
    );
  }
  const version = versions[component];
  if (version !== undefined) return ok({ component, version, source: 'debian' });
  const having = suites.filter((name) => facts.suites[name]?.[component] !== undefined);
  const hint = having.length === 0 ? 'no suite has it' : `there is one in ${having.join(', ')}`;
  return err(`Debian ${suite} has no ${component}; ${hint}`);
}

/** What must be known about versions to make a plan. */
export interface VersionFacts {
  /** the version that `default` means */
  readonly defaults: Readonly<Record<ComponentName, string>>;
  /** versions that replace the default in combination with others, by the start of their version: ComponentPins */
  readonly beside: Readonly<Record<ComponentName, ComponentPins['beside']>>;
  /** Debian suites and their versions */
  readonly suites: Readonly<Record<string, Readonly<Partial<Record<ComponentName, string>>>>>;
  /** absolute path of a local component → the output of its own --version */
  readonly localVersions: Readonly<Record<string, string>>;
}

/** Facts about versions from images/pins.yaml, and the versions that local programs report. */
export function versionFacts(
  pins: Pick<Pins, 'components' | 'debianSuites'>,
  localVersions: VersionFacts['localVersions'],
): VersionFacts {
  return {
    defaults: byComponent((name) => pins.components[name].default),
    beside: byComponent((name) => pins.components[name].beside),
    suites: Object.fromEntries(pins.debianSuites.map((suite) => [suite, versionsIn(pins, suite)])),
    localVersions,
  };
}

/** The same facts, with the defaults for a node with these other components. */
export function factsBeside(facts: VersionFacts, others: readonly ComponentRef[]): VersionFacts {
  const { defaults, beside } = facts;
  const besideOthers = (name: ComponentName): string | undefined =>
    others
      .flatMap(({ component, version }) =>
        Object.entries(beside[name][component] ?? {}).filter(([beginning]) =>
          `${version}.`.startsWith(`${beginning}.`),
        ),
      )
      .at(-1)?.[1];
  return { ...facts, defaults: byComponent((name) => besideOthers(name) ?? defaults[name]) };
}

function versionsIn(pins: Pick<Pins, 'components'>, suite: string): Partial<Record<ComponentName, string>> {
  return Object.fromEntries(
    COMPONENTS.flatMap((name) => {
      const version = pins.components[name].debian?.versions[suite];
      return version === undefined ? [] : [[name, version]];
    }),
  );
}

/** A local component that must be asked for its version before a plan can be made. */
export interface LocalComponent {
  readonly component: ComponentName;
  readonly hostPath: string;
}

/** Every `local:` component of any cell, each once. */
export function localComponents(
  scenarios: readonly Scenario[],
  options: Omit<PlanOptions, 'facts'>,
): readonly LocalComponent[] {
  const found = new Map<string, LocalComponent>();
  for (const { scenario, nodes, cluster, cell } of cellsOfAll(scenarios, options)) {
    for (const [component, text] of versionTexts({ ...scenario, nodes, ...present({ cluster }) })) {
      const version = fillVersion(text, cell);
      const spec = parseVersionSpec(version.text);
      if (!spec.ok || spec.value.kind !== 'local') continue;
      const hostPath = localHostPath({ ...version, text: spec.value.path }, options.cwd);
      found.set(`${component} ${hostPath}`, { component, hostPath });
    }
  }
  return [...found.values()];
}

/** An archive of images that must exist before a plan can be made. */
export interface ImageArchive {
  readonly hostPath: string;
  readonly scenario: Scenario;
  /** where the scenario names it */
  readonly place: Place;
}

/** Every archive of images of any cell, each once at its place. */
export function imageArchives(
  scenarios: readonly Scenario[],
  options: Omit<PlanOptions, 'facts'>,
): readonly ImageArchive[] {
  const found = new Map<string, ImageArchive>();
  for (const { scenario, nodes, cell } of cellsOfAll(scenarios, options)) {
    for (const { images = [] } of nodes) {
      for (const { text, place } of images) {
        const hostPath = localHostPath(fillVersion({ text, place }, cell), options.cwd);
        const key = [place.file, place.line, place.column, hostPath].join(' ');
        found.set(key, { hostPath, scenario, place });
      }
    }
  }
  return [...found.values()];
}

/** Every cell of every scenario, with its nodes. A scenario with too many cells is reported when the plan is made. */
function* cellsOfAll(
  scenarios: readonly Scenario[],
  { overrides = {}, only = {} }: Omit<PlanOptions, 'facts'>,
) {
  for (const scenario of scenarios) {
    if (checkSize(scenario, { overrides, only }) !== undefined) continue;
    const { cells, nodes, cluster } = cellsOf(scenario, { overrides, only });
    for (const { values: cell } of cells) {
      yield { scenario, cell, cluster, nodes: nodes.map((node) => nodeIn(node, cell)) };
    }
  }
}

function versionTexts({
  nodes,
  cluster,
  steps,
}: Pick<Scenario, 'nodes' | 'cluster' | 'steps'>): readonly (readonly [ComponentName, VersionText])[] {
  const ofNodes = nodes.flatMap((node): readonly (readonly [ComponentName, VersionText | undefined])[] => [
    [node.runtime.name, node.runtime.version],
    ['runc', node.runc],
    ['crictl', node.crictl],
    ...pluginVersions(node.cniPlugins),
  ]);
  const ofCluster = [
    ['kubernetes', cluster?.kubernetes],
    ['etcd', cluster?.etcd],
  ] as const;
  return [
    ...[...ofNodes, ...ofCluster].flatMap(([component, version]) =>
      version === undefined ? [] : [[component, version] as const],
    ),
    ...steps.flatMap(
      ({ on, action }) => specOf(action).versions?.(action, runOn(nodes, on).runtime.name) ?? [],
    ),
  ];
}

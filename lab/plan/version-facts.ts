import { byComponent, COMPONENTS, type ComponentName, type ComponentRef } from '../core/components.ts';
import type { ComponentPins, Pins } from './pins.ts';

/** What has to be known of versions to make a plan. */
export interface VersionFacts {
  /** the version that `default` stands for */
  readonly defaults: Readonly<Record<ComponentName, string>>;
  /** what is taken beside others in place of the default, by the beginning of their version: ComponentPins */
  readonly beside: Readonly<Record<ComponentName, ComponentPins['beside']>>;
  /** Debian's suites and what they have */
  readonly suites: Readonly<Record<string, Readonly<Partial<Record<ComponentName, string>>>>>;
  /** absolute path of something local → what its own --version says */
  readonly localVersions: Readonly<Record<string, string>>;
}

/** What images/pins.yaml tells of versions, and what local programs said of themselves. */
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

/** The same, with the defaults that belong to any of these components of the node. */
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

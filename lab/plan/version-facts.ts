import { COMPONENTS, type ComponentName, type ComponentRef } from '../core/components.ts';
import type { Pins } from './pins.ts';

/** What has to be known of versions to make a plan. */
export interface VersionFacts {
  /** the version that `default` stands for */
  readonly defaults: Readonly<Record<ComponentName, string>>;
  /** by component: containerd's version, or the beginning of it (`2`, `1.4`) → what is taken beside it in place of the default */
  readonly besideContainerd: Readonly<Partial<Record<ComponentName, Readonly<Record<string, string>>>>>;
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
  const { containerd, runc, 'cni-plugins': plugins, crictl } = pins.components;
  return {
    defaults: {
      containerd: containerd.default,
      runc: runc.default,
      'cni-plugins': plugins.default,
      crictl: crictl.default,
    },
    besideContainerd: { runc: runc.besideContainerd, crictl: crictl.besideContainerd },
    suites: Object.fromEntries(pins.debianSuites.map((suite) => [suite, versionsIn(pins, suite)])),
    localVersions,
  };
}

/** The same, with the defaults that belong to any of these containerds. */
export function factsBeside(facts: VersionFacts, containerds: readonly ComponentRef[]): VersionFacts {
  const beside = Object.entries(facts.besideContainerd).flatMap(([component, versions]) =>
    Object.entries(versions).flatMap(([beginning, version]) =>
      containerds.some((containerd) => `${containerd.version}.`.startsWith(`${beginning}.`))
        ? [[component, version] as const]
        : [],
    ),
  );
  return { ...facts, defaults: { ...facts.defaults, ...Object.fromEntries(beside) } };
}

function versionsIn(pins: Pick<Pins, 'components'>, suite: string): Partial<Record<ComponentName, string>> {
  return Object.fromEntries(
    COMPONENTS.flatMap((name) => {
      const version = pins.components[name].debian?.versions[suite];
      return version === undefined ? [] : [[name, version]];
    }),
  );
}

import { COMPONENTS, type ComponentName, type ComponentRef } from '../core/components.ts';
import type { Pins } from './pins.ts';

/** What has to be known of versions to make a plan. */
export interface VersionFacts {
  /** the version that `default` stands for */
  readonly defaults: Readonly<Record<ComponentName, string>>;
  /** major version of containerd → the runc that is taken beside it in place of the default */
  readonly runcBeside: Readonly<Record<string, string>>;
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
    runcBeside: runc.besideContainerd,
    suites: Object.fromEntries(pins.debianSuites.map((suite) => [suite, versionsIn(pins, suite)])),
    localVersions,
  };
}

/** The same, with the default runc that belongs to this containerd. */
export function factsBeside(facts: VersionFacts, containerd: ComponentRef | undefined): VersionFacts {
  const runc = facts.runcBeside[containerd?.version.split('.')[0] ?? ''];
  return runc === undefined ? facts : { ...facts, defaults: { ...facts.defaults, runc } };
}

function versionsIn(pins: Pick<Pins, 'components'>, suite: string): Partial<Record<ComponentName, string>> {
  return Object.fromEntries(
    COMPONENTS.flatMap((name) => {
      const version = pins.components[name].debian?.versions[suite];
      return version === undefined ? [] : [[name, version]];
    }),
  );
}

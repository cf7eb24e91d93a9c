import { dirname, resolve } from 'node:path';

import { err, ok, type Result, unreachable } from '../core/result.ts';
import { didYouMean } from '../spec/did-you-mean.ts';
import type { VersionText } from '../spec/scenario.ts';
import { parseVersionSpec } from '../spec/version-spec.ts';
import type { ComponentName, ComponentRef } from '../core/components.ts';
import type { VersionFacts } from './version-facts.ts';

export interface ResolveOptions {
  readonly component: ComponentName;
  /** its text with all `${matrix.…}` filled in */
  readonly version: VersionText;
  readonly facts: VersionFacts;
  /** absolute; the files of scenarios are named from here */
  readonly cwd: string;
}

/** The exact component that a version text stands for; the error is a message for its place. */
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
      const hostPath = localHostPath(spec.value.path, { version, cwd });
      const said = facts.localVersions[hostPath];
      if (said === undefined) {
        return err(
          `${component}: ${hostPath} could not be asked for its version; there must be a program that answers --version`,
        );
      }
      return ok({ component, source: 'local', hostPath, version: said });
    }
    default:
      return unreachable(spec.value);
  }
}

/** `local:` paths are meant from the folder of the file in which they stand. */
export function localHostPath(path: string, { version, cwd }: { version: VersionText; cwd: string }): string {
  return resolve(cwd, dirname(version.place.file), path);
}

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

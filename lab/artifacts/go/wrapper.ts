import * as v from 'valibot';

import { readJson } from '../../core/json.ts';

/** The parts of `go mod edit -json` for a module that a wrapper must repeat. */
export interface ModuleFacts {
  readonly goVersion: string | undefined;
  /** lines `old => new v1.2.3`, ready for a go.mod */
  readonly replaces: readonly string[];
  /** modules that are directories of its source */
  readonly folders: readonly string[];
}

/** Reads the JSON of `go mod edit -json`. */
export function parseModuleFacts(json: string): ModuleFacts {
  const { Go: goVersion, Replace: replaces } = readJson(MODULE, json) ?? {};
  const all = replaces ?? [];
  return {
    goVersion,
    folders: all
      .filter(({ New: after }) => after.Version === undefined)
      .map(({ Old: before }) => before.Path),
    replaces: all.flatMap(({ Old: before, New: after }) => {
      if (after.Version === undefined) return [];
      const from = before.Version === undefined ? before.Path : `${before.Path} ${before.Version}`;
      return [`${from} => ${after.Path} ${after.Version}`];
    }),
  };
}

const PATH = v.object({ Path: v.string(), Version: v.optional(v.string()) });
const MODULE = v.object({
  Go: v.optional(v.string()),
  Replace: v.nullish(v.array(v.object({ Old: PATH, New: PATH }))),
});

export interface Wrapper {
  readonly module: string;
  readonly version: string;
  readonly facts: ModuleFacts;
  readonly folderVersion?: string | undefined;
  readonly standIns?: Readonly<Record<string, string>> | undefined;
}

/**
 * A wrapper module that only requires the component. Replace directives only apply in the main module, so those of the
 * component are repeated. Never run `go mod tidy` on it: that also reads the dependencies of the tests, and some of
 * those can no longer be verified. Below `go 1.18`, CNI plugins 1.1.1 do not resolve. `standIns` are directories next
 * to the go.mod, by path and version of the module that each replaces. With `folderVersion`, modules that are
 * directories of the component's source are required at that version. Without it they are left out, because those that
 * its go.mod requires are published.
 */
export function wrapperGoMod({ module, version, facts, folderVersion, standIns = {} }: Wrapper): string {
  return [
    'module cnilab/wrapper',
    '',
    `go ${newerGo(facts.goVersion ?? '1.18', '1.18')}`,
    '',
    `require ${module} v${version}`,
    '',
    ...facts.replaces.map((replace) => `replace ${replace}`),
    ...(folderVersion === undefined
      ? []
      : facts.folders.map((path) => `replace ${path} => ${path} ${folderVersion}`)),
    ...Object.entries(standIns).map(([missing, folder]) => `replace ${missing} => ./${folder}`),
    '',
  ].join('\n');
}

const newerGo = (a: string, b: string): string => {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor > bMajor || (aMajor === bMajor && aMinor >= bMinor) ? a : b;
};

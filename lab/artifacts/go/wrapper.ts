import * as v from 'valibot';

import { readJson } from '../../core/json.ts';

/** What `go mod edit -json` says about a module's own go.mod, as far as a wrapper must repeat it. */
export interface ModuleFacts {
  readonly goVersion: string | undefined;
  /** `old => new v1.2.3` lines, ready for a go.mod */
  readonly replaces: readonly string[];
}

/** Reads the JSON of `go mod edit -json`. Replaces by a folder are left out: the module's own folders come with it. */
export function parseModuleFacts(json: string): ModuleFacts {
  const { Go: goVersion, Replace: replaces } = readJson(MODULE, json) ?? {};
  return {
    goVersion,
    replaces: (replaces ?? []).flatMap(({ Old: before, New: after }) => {
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

/**
 * A module of ours that requires just the component, because replaces count in the main module only: those of the
 * component's go.mod are repeated. Never `go mod tidy` it: that walks the tests' dependencies too, and some of those
 * cannot be verified any more. Below `go 1.18` CNI plugins 1.1.1 do not resolve. `standIns` are folders beside the go.mod, by the
 * path and version of the module that each stands in for.
 */
export function wrapperGoMod(
  module: string,
  version: string,
  facts: ModuleFacts,
  standIns: Readonly<Record<string, string>> = {},
): string {
  return [
    'module cnilab/wrapper',
    '',
    `go ${newerGo(facts.goVersion ?? '1.18', '1.18')}`,
    '',
    `require ${module} v${version}`,
    '',
    ...facts.replaces.map((replace) => `replace ${replace}`),
    ...Object.entries(standIns).map(([missing, folder]) => `replace ${missing} => ./${folder}`),
    '',
  ].join('\n');
}

const newerGo = (a: string, b: string): string => {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor > bMajor || (aMajor === bMajor && aMinor >= bMinor) ? a : b;
};

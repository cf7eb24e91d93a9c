import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok } from '../../core/lab-error.ts';
import { findProgram } from '../../host/exec.ts';
import type { Http } from '../../host/http.ts';
import type { Arch, ComponentRef } from '../../core/components.ts';
import type { GomodPins, Pins } from '../../plan/pins.ts';
import type { Exec } from '../../core/ports.ts';
import type { Apt } from '../apt/apt.ts';
import type { BuildQueue } from '../go/build-queue.ts';
import { type GoTool, refusalFromGo } from '../go/tool.ts';
import { buildModule, downloadModule, type GoBuild, unpackLibrary } from '../go/build.ts';
import { programsBesides } from '../go/programs-besides.ts';
import type { Recipe, Refusal, Source } from '../artifact.ts';

export interface GomodOptions {
  readonly pins: Pins;
  readonly arch: Arch;
  readonly go: GoTool;
  readonly http: Pick<Http, 'reach'>;
  readonly apt: Apt;
  /** runs a C compiler */
  readonly exec: Exec;
  /** directory with <component>.sum and the replacements for modules */
  readonly sumsHostPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly queue: BuildQueue;
}

/** Part of every request. Increase it when the way of building changes, so that old entries are no longer used. */
const RECIPE_REVISION = 1;

export interface Gomod extends Source {
  /** The same without the C library that it normally uses. For hosts on which that is not available. */
  recipeWithoutLibrary(ref: ComponentRef): Recipe | undefined;
}

/** Builds components from their Go modules. */
export function createGomod(options: GomodOptions): Gomod {
  const { pins, arch, go } = options;
  const factsOf = ({ component, version }: ComponentRef): GomodPins | undefined => {
    const major = Number(version.split('.')[0]);
    return pins.components[component].gomod.find(({ majors }) => major >= majors.from && major <= majors.to);
  };

  function recipeOf({ component, version }: ComponentRef, facts: GomodPins, withLibrary: boolean): Recipe {
    const library = withLibrary ? facts.library : undefined;
    const pinned = facts.pinned.includes(version);
    const build = (): GoBuild => ({
      go,
      facts,
      version,
      standInsHostPath: options.sumsHostPath,
      besides: (places) =>
        programsBesides(
          { facts, compiler: compilerOf(options.env), exec: options.exec, apt: options.apt },
          places,
        ),
      ...(pinned ? { heldSums: readFileSync(join(options.sumsHostPath, `${component}.sum`), 'utf8') } : {}),
      ...(library === undefined ? {} : { library: (job) => unpackLibrary(options.apt, library, job) }),
    });
    const asked = {
      source: 'gomod',
      component,
      version,
      arch,
      revision: RECIPE_REVISION,
      ...(facts.library === undefined ? {} : { library: library?.package ?? 'none' }),
    };
    return {
      source: 'gomod',
      name: component,
      version,
      request: JSON.stringify(asked),
      check: (signal) => checkModule(options, build(), signal),
      make: (tree, job) => {
        job.progress('waiting for its turn to be built', 'waiting');
        return options.queue.run({ component, version }, () => buildModule(build(), tree, job));
      },
    };
  }

  return {
    name: 'gomod',
    recipe(ref) {
      const { component, version } = ref;
      const facts = factsOf(ref);
      if (facts === undefined) {
        return err({
          source: 'gomod',
          reason: 'not-there',
          why: `${component} ${version} is no Go module that can be built`,
        });
      }
      return ok(recipeOf(ref, facts, true));
    },
    recipeWithoutLibrary(ref) {
      const facts = factsOf(ref);
      return facts?.library === undefined ? undefined : recipeOf(ref, facts, false);
    },
    check: async (signal) => whatIsMissing(options) ?? (await whyUnreachable(options, signal)),
    async versions(component, signal) {
      const missing = await this.check(signal);
      if (missing !== undefined) return err(missing);
      const found: string[] = [];
      for (const { module } of pins.components[component].gomod) {
        const listed = await go.run(['list', '-m', '-versions', module], { signal });
        if (listed.exitCode !== 0) return err(refusalFromGo(module, listed.stderr));
        found.push(
          ...listed.stdout
            .trim()
            .split(' ')
            .slice(1)
            .map((version) => version.replace(/^v/, '')),
        );
      }
      return ok(found);
    },
  };
}

const compilerOf = (env: GomodOptions['env']): string => env.CC ?? 'gcc';

function whatIsMissing({ go, env }: GomodOptions, facts?: GomodPins): Refusal | undefined {
  const source = 'gomod' as const;
  if (!go.found) {
    return { source, reason: 'not-here', why: 'there is no go on the PATH', wayOut: 'install Go' };
  }
  if (facts?.cgo === true && findProgram(compilerOf(env), env.PATH) === undefined) {
    return {
      source,
      reason: 'not-here',
      why: `it is built with cgo, and there is no ${compilerOf(env)}`,
      wayOut: 'install gcc',
    };
  }
  return undefined;
}

/**
 * Why the first module proxy in the list of the user does not accept connections; undefined if it does. Without this
 * check, go would try for half a minute.
 */
async function whyUnreachable({ go, http }: GomodOptions, signal: AbortSignal): Promise<Refusal | undefined> {
  if (go.offline) return undefined;
  const { stdout } = await go.run(['env', 'GOPROXY'], { signal });
  const first = stdout.trim().split(/[,|]/)[0] ?? '';
  if (!/^https?:/.test(first) || !URL.canParse(first)) return undefined;
  const why = await http.reach(first, signal);
  return why === undefined
    ? undefined
    : { source: 'gomod', reason: 'unreachable', why: `the Go module proxy does not answer: ${why}` };
}

async function checkModule(
  options: GomodOptions,
  build: GoBuild,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const refusal = whatIsMissing(options, build.facts) ?? (await whyUnreachable(options, signal));
  if (refusal !== undefined || build.heldSums !== undefined) return refusal;
  const module = await downloadModule(build, { signal });
  return module.ok ? undefined : module.error;
}

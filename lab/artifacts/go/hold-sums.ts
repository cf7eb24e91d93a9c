import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../../core/lab-error.ts';
import { COMPONENTS } from '../../core/components.ts';
import type { Pins } from '../../plan/pins.ts';
import { buildModule } from './build.ts';
import type { Apt } from '../apt/apt.ts';
import type { GoTool } from './tool.ts';
import type { Job } from '../recipe.ts';
import { unpackLibrary } from './static-library.ts';

export interface HoldOptions {
  readonly pins: Pins;
  readonly go: GoTool;
  /** brings libraries of C, as what a build with them needs is to be held too */
  readonly apt: Apt;
  /** folder with <component>.sum */
  readonly sumsHostPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/**
 * Brings images/gomod/<name>.sum up to the pinned versions of pins.yaml: each that it does not hold yet is built once
 * with Go's checksum database as the judge, and what that build needed is added. One file for all versions of a
 * component, because they share most of what they need.
 */
export async function holdSums(options: HoldOptions): Promise<void> {
  const { pins, go, apt, sumsHostPath, signal, onProgress } = options;
  const components = COMPONENTS.flatMap((name) =>
    pins.components[name].gomod.map((facts) => ({ name, facts, tests: {} })),
  );
  for (const { name, facts, tests } of [
    ...components,
    { name: 'critest', facts: pins.critest, tests: { tests: true as const } },
  ]) {
    for (const version of facts.pinned) {
      const file = join(sumsHostPath, `${name}.sum`);
      const held = await readFile(file, 'utf8').catch(() => '');
      if (held.includes(`${facts.module} v${version} h1:`)) continue;
      onProgress(`${name} ${version}: building, to see what it needs`);
      const folder = await mkdtemp(join(tmpdir(), 'cnilab-sums-'));
      const [tree, scratchHostPath] = [join(folder, 'tree'), join(folder, 'scratch')];
      try {
        await mkdir(tree);
        await mkdir(scratchHostPath);
        const job = { signal, scratchHostPath, progress: () => undefined };
        const { library } = facts;
        const build = {
          go,
          facts,
          version,
          ...tests,
          ...(library === undefined ? {} : { library: (its: Job) => unpackLibrary(apt, library, its) }),
        };
        const built = await buildModule(build, tree, job);
        if (!built.ok) throw new LabError(`${name} ${version}: ${built.error.why}`);
        const lines = new Set(
          [...held.split('\n'), ...built.value.sums.split('\n')].filter((line) => line !== ''),
        );
        await writeFile(file, `${[...lines].sort().join('\n')}\n`);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  }
}

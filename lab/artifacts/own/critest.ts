import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { err } from '../../core/result.ts';
import type { Arch } from '../../core/architecture.ts';
import type { Pins } from '../../plan/pins.ts';
import { buildModule } from '../go/build.ts';
import type { GoTool } from '../go/tool.ts';
import type { Recipe } from '../recipe.ts';

export interface CritestOptions {
  readonly pins: Pins['critest'];
  readonly arch: Arch;
  readonly go: GoTool;
  /** folder with critest.sum */
  readonly sumsHostPath: string;
}

/** bin/critest.test: the conformance tests of CRI as one program, built from their Go module. */
export function critestRecipe({ pins, arch, go, sumsHostPath }: CritestOptions): Recipe {
  const { version } = pins;
  return {
    source: 'own',
    name: 'critest',
    version,
    request: JSON.stringify({ own: 'critest', version, arch, revision: 1 }),
    async make(treeHostPath, job) {
      if (!go.found)
        return err({
          source: 'own',
          reason: 'not-here',
          why: 'critest must be built, and there is no go on the PATH',
          wayOut: 'install Go',
        });
      const heldSums = readFileSync(join(sumsHostPath, 'critest.sum'), 'utf8');
      const built = await buildModule({ go, facts: pins, version, tests: true, heldSums }, treeHostPath, job);
      return built.ok ? built : err({ ...built.error, source: 'own' });
    },
  };
}

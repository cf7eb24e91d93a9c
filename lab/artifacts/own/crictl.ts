import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ok } from '../../core/result.ts';
import type { Artifact } from '../artifact.ts';
import type { Recipe } from '../recipe.ts';

/**
 * Our own crictl, with the verbs that the lab uses, in the place of an official one that cannot be had. Its `source` is
 * `own`, which says so in every report.
 */
export function ownCrictlRecipe(version: string, nodeTools: Artifact): Recipe {
  return {
    source: 'own',
    name: 'crictl',
    version,
    request: JSON.stringify({ own: 'crictl', version, nodeTools: nodeTools.key }),
    async make(treeHostPath) {
      await mkdir(join(treeHostPath, 'bin'));
      await copyFile(join(nodeTools.hostPath, 'bin/crictl'), join(treeHostPath, 'bin/crictl'));
      return ok({ madeBy: `cnilab's own crictl in place of ${version}, node-tools ${nodeTools.version}` });
    },
  };
}

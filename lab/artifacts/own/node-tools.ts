import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { LabError, err, ok } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import { stampOf } from '../cache/fingerprint.ts';
import { buildFlags, type GoTool, refusalFromGo } from '../go/tool.ts';
import type { Recipe, Artifact } from '../artifact.ts';

/** The lab's own programs on a node: one Go module, images/node-tools. */
export const NODE_TOOLS = ['agent', 'cni-fake', 'cni-recorder', 'crictl', 'pause'] as const;

export interface NodeToolsOptions {
  /** images/node-tools of this package */
  readonly sourceHostPath: string;
  readonly arch: Arch;
  readonly go: GoTool;
}

/**
 * In a checkout they are built from source, even if `npm pack` left built ones. The npm package contains the built
 * programs and no sources, so that users of a release need no Go.
 */
export function nodeToolsRecipes(options: NodeToolsOptions): readonly Recipe[] {
  const { sourceHostPath } = options;
  if (existsSync(join(sourceHostPath, 'go.mod'))) return [buildRecipe(options)];
  const prebuilt = prebuiltRecipe(options);
  if (prebuilt !== undefined) return [prebuilt];
  throw new LabError(
    `this cnilab has neither our programs for nodes nor their sources in ${sourceHostPath}; use the npm package or a checkout`,
  );
}

function prebuiltRecipe({ sourceHostPath, arch }: NodeToolsOptions): Recipe | undefined {
  const folder = join(sourceHostPath, 'dist', arch);
  const stamps = NODE_TOOLS.map((tool) => stampOf(join(folder, tool)));
  if (stamps.includes(undefined)) return undefined;
  return {
    source: 'own',
    name: 'node-tools',
    version: 'prebuilt',
    request: JSON.stringify({ own: 'node-tools', folder, stamps }),
    async make(treeHostPath) {
      const bin = join(treeHostPath, 'bin');
      await mkdir(bin);
      for (const tool of NODE_TOOLS) {
        await copyFile(join(folder, tool), join(bin, tool));
        await chmod(join(bin, tool), 0o755); // npm does not keep modes
      }
      return ok({ madeBy: `carried by the package: ${folder}` });
    },
  };
}

function buildRecipe({ sourceHostPath, arch, go }: NodeToolsOptions): Recipe {
  const sources = hashOfSources(sourceHostPath);
  return {
    source: 'own',
    name: 'node-tools',
    version: sources.slice(0, 12),
    request: JSON.stringify({ own: 'node-tools', sources, arch }),
    async make(treeHostPath, { signal, scratchHostPath, progress }) {
      if (!go.found) {
        const why = 'our programs for nodes must be built, and there is no go on the PATH';
        const wayOut = 'install Go, or use cnilab from npm, which carries them built';
        return err({ source: 'own', reason: 'not-here', why, wayOut });
      }
      progress('building');
      const bin = join(treeHostPath, 'bin');
      await mkdir(bin);
      const argv = ['build', '-mod=readonly', ...buildFlags()];
      const built = await go.run([...argv, '-o', `${bin}/`, './cmd/...'], {
        signal,
        scratchHostPath,
        cwd: sourceHostPath,
      });
      if (built.exitCode !== 0) {
        return err({ ...refusalFromGo('go build of images/node-tools', built.stderr), source: 'own' });
      }
      return ok({ madeBy: `CGO_ENABLED=0 go ${argv.join(' ')} ./cmd/...` });
    },
  };
}

/** A hash of the names and contents of everything that is built, a few hundred kilobytes. Computed at every start. */
export function hashOfSources(folder: string): string {
  const hash = createHash('sha256');
  const visit = (path: string): void => {
    const entries = readdirSync(join(folder, path), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory() && below !== 'dist') visit(below);
      if (
        entry.isFile() &&
        /^go\.(mod|sum)$|\.(go|s|c|h)$/.test(entry.name) &&
        !entry.name.endsWith('_test.go')
      ) {
        const content = readFileSync(join(folder, below));
        hash.update(`${below} ${content.length}\n`).update(content);
      }
    }
  };
  visit('');
  return hash.digest('hex');
}

/**
 * The lab's own crictl, only for CRI v1alpha2. It replaces an official one of this version that is not available. Empty
 * for versions that do not support v1alpha2. Its `source` is `own`, which every report shows.
 */
export function ownCrictlRecipe(version: string, nodeTools: Artifact): readonly Recipe[] {
  if (!SPEAKS_V1ALPHA2.test(version)) return [];
  const madeBy = `cnilab's own crictl in place of ${version}, node-tools ${nodeTools.version}`;
  return [toolRecipe('crictl', { version, madeBy, nodeTools })];
}

/** The program of scripted plugins, without the other tools, because a node only needs this one. */
export function fakePluginRecipe(nodeTools: Artifact): Recipe {
  const { version } = nodeTools;
  const madeBy = `cnilab's own program for scripted plugins, node-tools ${version}`;
  return toolRecipe('cni-fake', { version, madeBy, nodeTools });
}

function toolRecipe(
  name: 'crictl' | 'cni-fake',
  { version, madeBy, nodeTools }: { version: string; madeBy: string; nodeTools: Artifact },
): Recipe {
  return {
    source: 'own',
    name,
    version,
    request: JSON.stringify({ own: name, version, nodeTools: nodeTools.key }),
    async make(treeHostPath) {
      await mkdir(join(treeHostPath, 'bin'));
      await copyFile(join(nodeTools.hostPath, `bin/${name}`), join(treeHostPath, `bin/${name}`));
      return ok({ madeBy });
    },
  };
}

/** Up to 1.25. */
const SPEAKS_V1ALPHA2 = /^1\.(?:1?\d|2[0-5])\./;

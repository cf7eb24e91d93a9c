import { readFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import { err, ok } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import type { Pins } from '../../plan/pins.ts';
import { buildModule } from '../go/build.ts';
import { buildFlags, type GoTool, refusalFromGo } from '../go/tool.ts';
import type { Recipe } from '../artifact.ts';
import type { Apt } from '../apt/apt.ts';
import { critestImages } from '../images/lab-images.ts';
import { findBusybox } from './images.ts';
import { hashOfSources } from './node-tools.ts';

export interface CritestOptions {
  readonly pins: Pins['critest'];
  readonly arch: Arch;
  readonly go: GoTool;
  /** directory with critest.sum */
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

export interface CritestImagesOptions {
  /** images/critest of this package */
  readonly sourceHostPath: string;
  readonly arch: Arch;
  readonly apt: Apt;
  readonly go: GoTool;
}

/** Part of the request. Increase it when the images change because of anything but images/critest. */
const REVISION = 3;

/** The images that critest needs, as an OCI layout in images/, and bin/registry, which serves them on a node. */
export function critestImagesRecipe({ sourceHostPath, arch, apt, go }: CritestImagesOptions): Recipe {
  const sources = hashOfSources(sourceHostPath);
  return {
    source: 'own',
    name: 'critest-images',
    version: sources.slice(0, 12),
    request: JSON.stringify({ own: 'critest-images', sources, arch, revision: REVISION }),
    async make(treeHostPath, job) {
      const { signal, scratchHostPath, progress } = job;
      const busyboxHostPath = join(scratchHostPath, 'busybox');
      const busybox = await findBusybox(busyboxHostPath, { apt, job });
      if (!busybox.ok) return busybox;

      progress('building');
      const bin = join(treeHostPath, 'bin');
      await mkdir(bin);
      const argv = ['build', '-mod=readonly', ...buildFlags()];
      const cwd = sourceHostPath;
      const built = await go.run([...argv, '-o', `${bin}/`, './cmd/...'], { signal, scratchHostPath, cwd });
      if (built.exitCode !== 0)
        return err({ ...refusalFromGo('go build of images/critest', built.stderr), source: 'own' });

      const { ociLayout } = await import('../images/oci-image.ts'); // most runs pack nothing
      const images = critestImages(arch, {
        busybox: await readFile(busyboxHostPath),
        webserver: await readFile(join(bin, 'webserver')),
        nnp: await readFile(join(bin, 'nnp')),
      });
      const layout = await ociLayout(
        images.map((image) => ({
          image,
          annotations: { 'org.opencontainers.image.ref.name': image.name },
        })),
      );
      for (const { path, content } of layout) {
        const hostPath = join(treeHostPath, 'images', path);
        await mkdir(dirname(hostPath), { recursive: true });
        await writeFile(hostPath, content);
      }
      for (const program of ['webserver', 'nnp']) await rm(join(bin, program));
      return ok({ madeBy: `${images.length} images of ${busybox.value} and images/critest` });
    },
  };
}

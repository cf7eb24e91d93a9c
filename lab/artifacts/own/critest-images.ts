import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok } from '../../core/result.ts';
import type { Arch } from '../../core/architecture.ts';
import type { Apt } from '../apt/apt.ts';
import { critestImages } from '../images/critest-images.ts';
import type { GoTool } from '../go/tool.ts';
import { refusalFromGo } from '../go/refusal.ts';
import type { Recipe } from '../recipe.ts';
import { findBusybox } from './images.ts';
import { hashOfSources } from './node-tools.ts';

export interface CritestImagesOptions {
  /** images/critest of this package */
  readonly sourceHostPath: string;
  readonly arch: Arch;
  readonly apt: Apt;
  readonly go: GoTool;
}

/** Part of the request: to be raised when the images change by other than images/critest. */
const REVISION = 3;

/** The images that critest wants, as an OCI layout in images/, and bin/registry, which serves them on a node. */
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
      const argv = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w -buildid='];
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

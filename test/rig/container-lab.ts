import Docker from 'dockerode';
import { expect } from 'vitest';

import { cnilab, startCnilab, type CnilabOptions } from './cnilab.ts';
import type { TestEngine } from './engine.ts';

/** The real command with an engine of the test's own, and the content of that engine. */
export function containerLab(engine: TestEngine) {
  const docker = new Docker({ socketPath: engine.url.replace('unix://', '') });
  const env = { DOCKER_HOST: engine.url };
  const options = (more: CnilabOptions = {}): CnilabOptions => ({ ...more, env: { ...env, ...more.env } });
  return {
    docker,
    cnilab: (args: readonly string[], more?: CnilabOptions) => cnilab(args, options(more)),
    start: (args: readonly string[], more?: CnilabOptions) => startCnilab(args, options(more)),
    /** names of everything that a lab could leave in the engine */
    async state() {
      const [containers, { Volumes }, images] = await Promise.all([
        docker.listContainers({ all: true }),
        docker.listVolumes(),
        docker.listImages(),
      ]);
      return {
        containers: containers.map(({ Names, State }) => `${Names[0]} ${State}`).sort(),
        volumes: Volumes.map(({ Name }) => Name).sort(),
        images: images.flatMap(({ RepoTags }) => RepoTags ?? []).sort(),
      };
    },
  };
}

/** The name of an image that a user made: `base`, changed by shell commands. */
export async function imageOfUser(
  docker: Docker,
  { base, commands }: { readonly base: string; readonly commands: readonly string[] },
): Promise<string> {
  const own = await docker.createContainer({
    ...{ Image: base, Entrypoint: ['sh', '-c'], Cmd: [commands.join(' && ')] },
    HostConfig: { NetworkMode: 'none' },
  });
  await own.start();
  expect(await own.wait()).toMatchObject({ StatusCode: 0 });
  await own.commit({ repo: 'localhost/my-kind', tag: '1' });
  await own.remove();
  return 'localhost/my-kind:1';
}

/** One cell of a scenario that takes a pod through its whole life. */
export const oneRunInto = (output: string): readonly string[] => [
  ...['run', 'incompatible-version', '--containerd', '1.6.3'],
  ...['--backend', 'container', '--output', output],
];

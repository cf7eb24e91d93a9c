import { createBackend, openArtifacts, readPins, sweepHost } from './lab-parts.ts';
import { EXIT, type World } from './world.ts';

/** `cnilab clean`: what killed runs left on this host; with flags also kept nodes and the cache. */
export async function cleanCommand(
  world: World,
  flags: { readonly cache?: true; readonly kept?: true },
): Promise<number> {
  const backend = createBackend(world);
  const artifacts = openArtifacts(world, { pins: readPins(world), flags: {}, emit: () => {} });
  for (const line of await sweepHost({ backend, artifacts })) world.out.write(`${line}\n`);
  const nodes = await backend.nodes();
  if (flags.kept === true) {
    for (const { name } of nodes.filter((node) => node.kept)) {
      await backend.down(name);
      world.out.write(`${name} is down\n`);
    }
  }
  if (flags.cache === true) {
    const inUse = (await backend.nodes()).map(({ name }) => name);
    if (inUse.length > 0) {
      world.err.write(`the cache stays: its files are in use on ${inUse.join(', ')}\n`);
      return EXIT.inconclusive;
    }
    await artifacts.clean();
    world.out.write(`${world.cacheHostPath} is removed\n`);
  }
  return EXIT.pass;
}

import { createBackends, nodesUp, ownKept, sweepHost } from '../assembly/backends.ts';
import { openArtifacts, readPins } from '../assembly/open-artifacts.ts';
import { EXIT } from './exit-codes.ts';
import { ending } from './kept.ts';
import type { World } from '../assembly/world.ts';

/** `cnilab clean`: removes what killed runs left on this host. With flags also kept nodes and the cache. */
export async function cleanCommand(
  world: World,
  flags: { readonly cache?: true; readonly kept?: true },
): Promise<number> {
  const artifacts = openArtifacts(world, { pins: readPins(world), flags: {}, emit: () => {} });
  const backends = createBackends(world);
  const { found: swept, unanswered } = await sweepHost({ backends, artifacts });
  for (const line of swept) world.out.write(`${line}\n`);
  if (swept.length === 0 && unanswered.length === 0)
    world.err.write('killed runs left nothing on this host\n');
  if (flags.kept === true) {
    const kept = ownKept((await nodesUp(backends)).found);
    if (kept.length === 0 && unanswered.length === 0) world.err.write('no node was left up\n');
    for (const { name, backend } of kept) {
      await backend.down(name);
      world.out.write(`${name} is down\n`);
    }
  }
  if (flags.cache === true) {
    const inUse = (await nodesUp(backends)).found.map(({ name }) => name);
    if (inUse.length > 0) {
      world.err.write(`the cache stays: its files are in use on ${inUse.join(', ')}\n`);
      return EXIT.inconclusive;
    }
    if (!(await artifacts.clean())) {
      world.err.write('the cache stays: its files are in use on nodes whose records are in another folder\n');
      return EXIT.inconclusive;
    }
    world.out.write(`${world.cacheHostPath} is removed\n`);
    for (const backend of backends)
      for (const line of (await backend.clear?.()) ?? []) world.out.write(`${line}\n`);
  }
  return ending(world, unanswered);
}

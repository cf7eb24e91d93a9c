import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { createBackends } from '../../lab/assembly/backends.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import type { BackendName, NodeMaker, PrepareOptions } from '../../lab/nodes/node.ts';

/** A real backend that can make nodes, optionally with one of its own artifacts replaced. */
export async function makerFor(
  backendName: BackendName,
  env: Readonly<Record<string, string>> = {},
  replace: Readonly<Record<string, string>> = {},
): Promise<NodeMaker> {
  const world = { ...ambientWorld(), env: { ...process.env, ...env } };
  const artifacts = openArtifacts(world, { pins: readPins(world), flags: {}, emit: () => undefined });
  const { signal } = new AbortController();
  const backend = createBackends(world).find(({ name }) => name === backendName);
  if (backend === undefined) throw new Error(`there is no backend ${backendName}`);
  const own: PrepareOptions['own'] = async (name) => {
    const artifact = await artifacts.ensureOwn(name, signal);
    const hostPath = replace[name];
    return hostPath === undefined ? artifact : { ...artifact, key: `broken-${process.pid}`, hostPath };
  };
  const quiet = { progress: () => undefined, notice: () => undefined };
  return backend.prepare({ own, ...quiet, mayBeKept: false, signal });
}

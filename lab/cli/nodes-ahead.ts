import type { Backend, NodeMaker } from '../nodes/node.ts';
import { prepareBackend, type PrepareBackendOptions } from '../session.ts';

/** A backend that is being chosen and prepared while something else goes on. */
export interface NodesAhead {
  readonly backend: Promise<Backend>;
  readonly maker: Promise<NodeMaker>;
  /** Takes down what was made and never asked for; what is still being prepared is given up. */
  end(): Promise<void>;
}

/** Begins at once. What goes wrong is told to whoever awaits it, and to nobody else. */
export function nodesAhead(
  choose: () => Promise<Backend>,
  { signal, ...options }: PrepareBackendOptions,
): NodesAhead {
  const given = new AbortController();
  const backend = choose();
  const maker = backend.then((chosen) =>
    prepareBackend(chosen, { ...options, signal: AbortSignal.any([signal, given.signal]) }),
  );
  maker.catch(() => undefined);
  return {
    backend,
    maker,
    async end() {
      given.abort(new Error('not wanted any more'));
      await maker.then(
        (made) => made.end(),
        () => undefined,
      );
    },
  };
}

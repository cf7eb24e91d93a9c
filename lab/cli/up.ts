import { CleanupStack, BadInput } from '../core/lab-error.ts';
import { notesOn } from '../plan/notes.ts';
import { fanOut } from '../report/reporter.ts';
import { formatDiagnostic } from '../spec/diagnostic.ts';
import { listenForInterruption } from './interruption.ts';
import type { NodeFlags, World } from '../assembly/world.ts';
import { nodeByHand, type NodeByHandFlags } from '../assembly/node-by-hand.ts';
import { startOneNode } from '../assembly/one-node.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';

export interface UpFlags extends NodeFlags, NodeByHandFlags {
  readonly name?: string;
}

/** `cnilab up`: starts a node with these versions and this configuration, and keeps it for manual use. */
export async function upCommand(world: World, flags: UpFlags): Promise<number> {
  if ((flags.containerd ?? []).length + (flags.crio ?? []).length > 1)
    throw new BadInput('one node has one runtime; name a single version of containerd or of CRI-O');
  if (flags.name !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(flags.name))
    throw new BadInput(
      `a node's name is its host name: small letters, digits and dashes; got ${JSON.stringify(flags.name)}`,
    );
  const scenario = await nodeByHand(world, flags);
  const name = flags.name ?? `lab-${world.randomId()}`;
  const reporters = fanOut(await createReporters(world, {}));
  const { emit } = reporters;
  const interruption = listenForInterruption(world, (by) => emit({ kind: 'interrupted', by }));
  const { signal } = interruption;
  for (const note of notesOn(scenario)) emit({ kind: 'notice', message: formatDiagnostic(note) });
  const cleanup = new CleanupStack();
  try {
    const { node, runtime, runtimeVersion, unread } = await startOneNode(world, {
      scenario,
      flags,
      name,
      containers: true,
      emit,
      cleanup,
      onRuntimeEnd: () => {},
      signal,
    });
    if (unread !== undefined) emit({ kind: 'notice', message: `note: ${unread}` });
    await node.keep();
    world.out.write(
      `${name} is up, with ${runtime.kind.name} ${runtimeVersion}\n  cnilab enter ${name}\n  cnilab down ${name}\n`,
    );
    return EXIT.pass;
  } catch (thrown) {
    await cleanup.run();
    const exitCode = interruption.exitCode();
    if (exitCode === undefined) throw thrown;
    return exitCode;
  } finally {
    await reporters.end();
  }
}

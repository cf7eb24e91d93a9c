import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { CleanupStack } from '../core/cleanup-stack.ts';
import { contentOf } from '../core/content.ts';
import { BadInput } from '../core/lab-error.ts';
import { fanOut } from '../report/fan-out.ts';
import { literalContent } from '../spec/literal-content.ts';
import { scenarioOfNode } from '../spec/scenario-of-node.ts';
import type { FileSpec } from '../spec/scenario.ts';
import { literally } from '../spec/template.ts';
import { listenForInterruption } from './interruption.ts';
import type { NodeFlags } from './flags.ts';
import { startOneNode } from './one-node.ts';
import { createReporters } from './reporters.ts';
import { EXIT, type World } from './world.ts';

export interface UpFlags extends NodeFlags {
  readonly name?: string;
  readonly cniConfig?: readonly string[];
}

/** `cnilab up`: a node of these versions and this configuration, left up for work by hand. */
export async function upCommand(world: World, flags: UpFlags): Promise<number> {
  if ((flags.containerd?.length ?? 1) > 1)
    throw new BadInput('one node has one containerd; name a single version');
  if (flags.name !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(flags.name))
    throw new BadInput(
      `a node's name is its host name: small letters, digits and dashes; got ${JSON.stringify(flags.name)}`,
    );
  const scenario = scenarioOfNode({
    summary: 'a node for work by hand',
    place: COMMAND_LINE,
    node: { cniConfig: (flags.cniConfig ?? []).map((path) => readConfig(resolve(world.cwd, path))) },
  });
  const name = flags.name ?? `lab-${world.randomId()}`;
  const reporters = fanOut(await createReporters(world, {}));
  const { emit } = reporters;
  const interruption = listenForInterruption(world, (by) => emit({ kind: 'interrupted', by }));
  const { signal } = interruption;
  const cleanup = new CleanupStack();
  try {
    const { node, runtimeVersion } = await startOneNode(world, {
      scenario,
      flags,
      name,
      containers: true,
      emit,
      cleanup,
      onContainerdEnd: () => {},
      signal,
    });
    await node.keep();
    world.out.write(
      `${name} is up, with containerd ${runtimeVersion}\n  cnilab enter ${name}\n  cnilab down ${name}\n`,
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

const COMMAND_LINE = { file: 'command line', line: 1, column: 1 };

function readConfig(hostPath: string): FileSpec {
  try {
    const content = literalContent(contentOf(readFileSync(hostPath)));
    return { name: literally(basename(hostPath)), ...content, place: COMMAND_LINE };
  } catch (cause) {
    throw new BadInput(`the CNI configuration ${hostPath} cannot be read`, { cause });
  }
}

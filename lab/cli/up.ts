import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { CleanupStack } from '../core/cleanup-stack.ts';
import { BadInput } from '../core/lab-error.ts';
import { bringUpNode } from '../nodes/bring-up.ts';
import { fanOut } from '../report/fan-out.ts';
import { labImages, partsOf, prepareBackend, refsOf } from '../session.ts';
import type { Scenario } from '../spec/scenario.ts';
import { listenForInterruption } from './interruption.ts';
import { chooseBackend, openArtifacts, readPins } from './lab-parts.ts';
import { planOf } from './prepare.ts';
import type { NodeFlags } from './flags.ts';
import { createReporters } from './reporters.ts';
import { EXIT, type World } from './world.ts';

export interface UpFlags extends NodeFlags {
  readonly name?: string;
  readonly cniConfig?: readonly string[];
}

/** `cnilab up`: a node of these versions and this configuration, left up for work by hand. */
export async function upCommand(world: World, flags: UpFlags): Promise<number> {
  const pins = readPins(world);
  if ((flags.containerd?.length ?? 1) > 1)
    throw new BadInput('one node has one containerd; name a single version');
  if (flags.name !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(flags.name))
    throw new BadInput(
      `a node's name is its host name: small letters, digits and dashes; got ${JSON.stringify(flags.name)}`,
    );
  const plan = await planOf(world, { scenarios: [byHand(world, flags)], flags, pins });
  const [run] = plan.runs;
  if (run === undefined) throw new Error('a scenario without a matrix is one run');

  const reporters = fanOut(await createReporters(world, {}));
  const backend = await chooseBackend(world, flags.backend);
  const artifacts = openArtifacts(world, { pins, flags, emit: reporters.emit });
  const name = flags.name ?? `lab-${world.randomId()}`;
  if ((await backend.nodes()).some((node) => node.name === name))
    throw new BadInput(`a node named ${name} is up already; \`cnilab down ${name}\` ends it`);

  const interruption = listenForInterruption(world, (by) => reporters.emit({ kind: 'interrupted', by }));
  const cleanup = new CleanupStack();
  try {
    const artifact = await artifacts.ensureAll(refsOf(plan), interruption.signal);
    const images = await labImages({ containers: true }, artifacts, interruption.signal);
    const { emit } = reporters;
    const maker = await prepareBackend(backend, {
      artifacts,
      emit,
      signal: interruption.signal,
      first: name,
    });
    cleanup.add('nodes made ahead', () => maker.end());
    const { node, runtimeVersion } = await bringUpNode({
      maker,
      name,
      plan: run.node,
      parts: {
        ...partsOf(run, { images, artifact }),
        images: [images.pause, ...(images.app ? [images.app] : [])],
      },
      clock: world.clock,
      cleanup,
      onContainerdEnd: () => {},
      signal: interruption.signal,
    });
    interruption.signal.throwIfAborted();
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

/** A scenario without steps, which says what is on the node. */
function byHand(world: World, flags: UpFlags): Scenario {
  const place = { file: 'command line', line: 1, column: 1 };
  const version = { text: 'default', place };
  return {
    place,
    text: '',
    name: 'by-hand',
    summary: 'a node for work by hand',
    references: [],
    matrix: [],
    node: {
      containerd: version,
      cniPlugins: { set: version, plugins: [] },
      cniConfig: (flags.cniConfig ?? []).map((path) => ({
        name: basename(path),
        content: readConfig(resolve(world.cwd, path)),
        place,
      })),
      files: [],
    },
    pods: [],
    steps: [],
    expect: [],
  };
}

function readConfig(hostPath: string): string {
  try {
    return readFileSync(hostPath, 'utf8').replaceAll('${', '$${');
  } catch (cause) {
    throw new BadInput(`the CNI configuration ${hostPath} cannot be read`, { cause });
  }
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { CniVerb } from '../core/fake-plugin.ts';
import { BadInput, LabError } from '../core/lab-error.ts';
import { createBackends, nodesUp, ownKept, type Answers, type FoundNode } from '../assembly/backends.ts';
import { EXIT } from './exit-codes.ts';
import type { World } from '../assembly/world.ts';

/** `cnilab ps`: lists the running nodes, both kept nodes and those of a running lab. */
export async function psCommand(world: World): Promise<number> {
  const { found: nodes, unanswered } = await nodesUp(createBackends(world));
  if (nodes.length === 0 && unanswered.length === 0) world.err.write('no node is up\n');
  const width = Math.max(...nodes.map(({ name }) => name.length));
  for (const { name, backend, kept, ageMs, elsewhere } of nodes) {
    const up = ageMs === undefined ? 'for an unknown time' : `${Math.floor(ageMs / 60_000)} min`;
    const use = kept ? 'kept  ' : 'in use';
    world.out.write(
      `${name.padEnd(width)}  ${backend.name.padEnd(9)}  ${use}  up ${up}${elsewhere === true ? ', of another lab' : ''}\n`,
    );
  }
  return ending(world, unanswered);
}

/** Reports what could not be asked. Then what was found may not be all. */
export function ending(world: World, unanswered: readonly string[]): number {
  for (const why of unanswered) world.err.write(`${why}\n`);
  return unanswered.length === 0 ? EXIT.pass : EXIT.inconclusive;
}

/** `cnilab down`: ends kept nodes. */
export async function downCommand(
  world: World,
  names: readonly string[],
  flags: { readonly all?: true },
): Promise<number> {
  const { found, unanswered } = await nodesUp(createBackends(world));
  const kept = found.filter((node) => node.kept);
  if (flags.all !== true && names.length === 0)
    throw new BadInput(`name a node, or say --all; ${upNow(kept)}`);
  const wanted =
    flags.all === true
      ? ownKept(found)
      : names.map((name) => nodeNamed(name, { found: kept, unanswered }, 'was left up'));
  for (const { name, backend } of wanted) {
    await backend.down(name);
    world.out.write(`${name} is down\n`);
  }
  return flags.all === true ? ending(world, unanswered) : EXIT.pass;
}

/** `cnilab enter`: runs a shell or one command on the node. Its exit code is that of the command. */
export async function enterCommand(world: World, name: string, command: readonly string[]): Promise<number> {
  const { backend } = nodeNamed(name, await nodesUp(createBackends(world)), 'is up');
  return backend.enter(name, command[0] === '--' ? command.slice(1) : command, world.terminal);
}

export interface CniFlags {
  readonly plugin?: string;
  readonly network?: string;
  /** a file on this host, or - for standard input */
  readonly config?: string;
  readonly netns?: string;
  readonly containerId?: string;
  readonly ifname?: string;
  readonly args?: string;
  readonly capabilities?: string;
  readonly path?: string;
  readonly keep?: string;
}

/** `cnilab cni`: calls a plugin or a network on a kept node. Its exit code is that of the call. */
export async function cniCommand(
  world: World,
  verb: CniVerb,
  name: string,
  flags: CniFlags,
): Promise<number> {
  const { backend } = nodeNamed(name, await nodesUp(createBackends(world)), 'is up');
  const { plugin, network, config, netns, containerId, ifname, args, capabilities, path, keep } = flags;
  const given = {
    ...{ plugin, network, netns, ifname, args, capabilities, path, keep },
    'container-id': containerId,
    config: config && configText(world, config),
  };
  const argv = Object.entries(given).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, value],
  );
  return backend.enter(name, ['/lab/bin/agent', 'cni', verb, ...argv], world.terminal);
}

/** The text of a file. It is read here, because the file is on this host and the call is on the node. */
function configText(world: World, path: string): string {
  if (path === '-') return path;
  try {
    return readFileSync(resolve(world.cwd, path), 'utf8');
  } catch (cause) {
    throw new BadInput(`--config: ${path} cannot be read`, { cause });
  }
}

function nodeNamed(name: string, { found, unanswered }: Answers<FoundNode>, is: string): FoundNode {
  const node = found.find((one) => one.name === name);
  if (node !== undefined) return node;
  if (unanswered.length > 0)
    throw new LabError(
      `no node ${quoted(name)} was found, and not all could be asked: ${unanswered.join('; ')}`,
    );
  throw new BadInput(`no node ${quoted(name)} ${is}; ${upNow(found)}`);
}

const upNow = (nodes: readonly FoundNode[]): string =>
  nodes.length === 0 ? 'there is none' : `there is ${nodes.map(({ name }) => name).join(', ')}`;

const quoted = (name: string): string => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name));

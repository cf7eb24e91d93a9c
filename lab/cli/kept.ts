import { spawn } from 'node:child_process';
import { constants } from 'node:os';

import { BadInput } from '../core/lab-error.ts';
import { createBackend } from './lab-parts.ts';
import { EXIT, type World } from './world.ts';

/** `cnilab ps`: the nodes that are up, kept ones and those of a lab that runs now. */
export async function psCommand(world: World): Promise<number> {
  const nodes = await createBackend(world).nodes();
  if (nodes.length === 0) world.err.write('no node is up\n');
  const width = Math.max(...nodes.map(({ name }) => name.length));
  for (const { name, kept, createdMs } of nodes) {
    const minutes = Math.floor((world.clock.now() - createdMs) / 60_000);
    world.out.write(`${name.padEnd(width)}  ${kept ? 'kept  ' : 'in use'}  up ${minutes} min\n`);
  }
  return EXIT.pass;
}

/** `cnilab down`: ends nodes that were left up. */
export async function downCommand(
  world: World,
  names: readonly string[],
  flags: { readonly all?: true },
): Promise<number> {
  const backend = createBackend(world);
  const kept = (await backend.nodes()).filter((node) => node.kept).map(({ name }) => name);
  const wanted = flags.all === true ? kept : names;
  if (flags.all !== true && names.length === 0)
    throw new BadInput(`name a node, or say --all; ${upNow(kept)}`);
  for (const name of wanted) {
    if (!kept.includes(name)) throw new BadInput(`no node ${name} was left up; ${upNow(kept)}`);
  }
  for (const name of wanted) {
    await backend.down(name);
    world.out.write(`${name} is down\n`);
  }
  return EXIT.pass;
}

/** `cnilab enter`: a shell on the node, or one command there; its exit code is the command's. */
export async function enterCommand(world: World, name: string, command: readonly string[]): Promise<number> {
  const nodes = await createBackend(world).nodes();
  const node = nodes.find((other) => other.name === name);
  if (node === undefined)
    throw new BadInput(`no node ${name} is up; ${upNow(nodes.map((other) => other.name))}`);
  const words = command[0] === '--' ? command.slice(1) : command;
  const [program = '', ...args] = words.length === 0 ? node.enter : node.run(words);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    world.onSignal((signal) => child.kill(signal));
    child.on('error', reject);
    child.on('exit', (exitCode, signal) =>
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

const upNow = (names: readonly string[]): string =>
  names.length === 0 ? 'there is none' : `there is ${names.join(', ')}`;

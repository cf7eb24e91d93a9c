import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

import { messageOf } from '../core/lab-error.ts';
import { hostFacts } from '../host/facts.ts';
import { kernelNews } from './doctor-kernel.ts';
import type { SourceFlags } from './flags.ts';
import { createBackends, openArtifacts, ownKeptNodes, readPins } from './lab-parts.ts';
import { EXIT, type World } from './world.ts';

const LOW_DISK_MIB = 4096;

/** `cnilab doctor`: what works on this host; for the rest, what to do about it. Exit 69 when no node can be had. */
export async function doctorCommand(world: World, flags: SourceFlags): Promise<number> {
  const say = (mark: 'ok' | '--', what: string, how: string) =>
    world.out.write(`${mark}  ${what.padEnd(17)} ${how}\n`);
  const facts = await hostFacts();
  say(
    'ok',
    'host',
    `${facts['system']}, kernel ${facts['kernel']}, ${facts['arch']}, cgroups ${facts['cgroups']}`,
  );

  /** One check that cannot be made does not end the others. */
  const orSay = async (what: string, check: () => Promise<void>): Promise<void> =>
    check().catch((thrown: unknown) => say('--', what, `this could not be checked: ${messageOf(thrown)}`));

  await orSay('kernel', async () => {
    const kernel = await kernelNews(world);
    say(kernel.lacks ? '--' : 'ok', 'kernel', kernel.how);
    for (const way of kernel.waysOut) world.out.write(`${' '.repeat(22)}- ${way}\n`);
  });

  let anyWorks = false;
  for (const backend of createBackends(world)) {
    const check = await backend.check().catch((thrown: unknown) => ({
      works: false as const,
      why: `it could not be checked: ${messageOf(thrown)}`,
      waysOut: [],
    }));
    anyWorks ||= check.works;
    say(check.works ? 'ok' : '--', `backend ${backend.name}`, check.works ? check.how : check.why);
    if (!check.works) for (const way of check.waysOut) world.out.write(`${' '.repeat(22)}- ${way}\n`);
  }

  const pins = readPins(world);
  const artifacts = openArtifacts(world, { pins, flags, emit: () => {} });
  const signal = new AbortController().signal;
  await orSay('sources', async () => {
    for (const { source, refusal } of await artifacts.checkSources(signal)) {
      say(refusal === undefined ? 'ok' : '--', `source ${source}`, refusal?.why ?? 'serves');
      if (refusal?.wayOut !== undefined) world.out.write(`${' '.repeat(22)}- ${refusal.wayOut}\n`);
    }
  });

  await orSay('cache', async () => {
    const { bavail, bsize } = await statfs(firstThatExists(world.cacheHostPath));
    const freeMiB = Math.floor((bavail * bsize) / 1024 / 1024);
    const mark = freeMiB < LOW_DISK_MIB ? '--' : 'ok';
    say(mark, 'cache', `${world.cacheHostPath}, ${freeMiB} MiB free on its disk`);
  });

  await orSay('nodes up', async () => {
    const kept = (await ownKeptNodes(world)).map(({ name }) => name);
    const how =
      kept.length === 0 ? 'none was left up' : `${kept.join(', ')}; \`cnilab down --all\` ends them`;
    say('ok', 'nodes up', how);
  });
  return anyWorks ? EXIT.pass : EXIT.inconclusive;
}

/** The cache, or the folder above in which it will be made. */
const firstThatExists = (hostPath: string): string =>
  existsSync(hostPath) ? hostPath : firstThatExists(dirname(hostPath));

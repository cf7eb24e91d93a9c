import { constants, lstatSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

import { messageOf } from '../core/lab-error.ts';
import { hostFacts, isFolder } from '../host/machine.ts';
import { createExec } from '../host/exec.ts';
import { askForKinds } from '../nodes/kernel-kinds.ts';
import type { BackendCheck } from '../nodes/node.ts';
import type { SourceFlags, World } from '../assembly/world.ts';
import { createBackends, nodesUp, ownKept } from '../assembly/backends.ts';
import { openArtifacts, readPins } from '../assembly/open-artifacts.ts';
import { EXIT } from './exit-codes.ts';

const LOW_DISK_MIB = 4096;

/** One line of `cnilab doctor`, and one element of `checks` in `--json`. */
interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly how: string;
  /** what the user can do about it */
  readonly waysOut: readonly string[];
}

/**
 * `cnilab doctor`: reports what works on this host, and what to do about the rest. Exit code 69 if nodes are not
 * available.
 */
export async function doctorCommand(
  world: World,
  flags: SourceFlags & { readonly json?: true },
): Promise<number> {
  const checks: Check[] = [];
  const say = (ok: boolean, check: string, how: string, waysOut: readonly string[] = []): void => {
    checks.push({ check, ok, how, waysOut });
    if (flags.json === true) return;
    world.out.write(`${ok ? 'ok' : '--'}  ${check.padEnd(17)} ${how}\n`);
    for (const way of waysOut) world.out.write(`${' '.repeat(22)}- ${way}\n`);
  };
  const facts = await hostFacts();
  say(
    true,
    'host',
    `${facts['system']}, kernel ${facts['kernel']}, ${facts['arch']}, cgroups ${facts['cgroups']}`,
  );

  /** A check that fails to run does not prevent the others. */
  const orSay = async (what: string, check: () => Promise<void>): Promise<void> =>
    check().catch((thrown: unknown) => say(false, what, `this could not be checked: ${messageOf(thrown)}`));

  await orSay('kernel', async () => {
    const kernel = await kernelFeatures(world);
    say(!kernel.lacks, 'kernel', kernel.how, kernel.waysOut);
  });

  let nodes = false; // whether any are available
  const backends = createBackends(world);
  for (const backend of backends) {
    const check = await backend.check().catch((thrown: unknown) => ({
      works: false as const,
      why: `it could not be checked: ${messageOf(thrown)}`,
      waysOut: [],
    }));
    nodes ||= check.works;
    say(check.works, `backend ${backend.name}`, check.works ? check.how : check.why, waysOutOf(check));
  }

  const pins = readPins(world);
  const artifacts = openArtifacts(world, { pins, flags, emit: () => {} });
  const signal = new AbortController().signal;
  await orSay('sources', async () => {
    for (const { source, refusal } of await artifacts.checkSources(signal)) {
      const wayOut = refusal?.wayOut === undefined ? [] : [refusal.wayOut];
      say(refusal === undefined, `source ${source}`, refusal?.why ?? 'serves', wayOut);
    }
  });

  await orSay('cache', async () => {
    const nearest = firstThatExists(world.cacheHostPath);
    if (!isFolder(nearest)) throw new Error(`${nearest} is no folder`);
    await access(nearest, constants.W_OK);
    const { bavail, bsize } = await statfs(nearest);
    const freeMiB = Math.floor((bavail * bsize) / 1024 / 1024);
    say(freeMiB >= LOW_DISK_MIB, 'cache', `${world.cacheHostPath}, ${freeMiB} MiB free on its disk`);
  });

  await orSay('nodes up', async () => {
    const { found, unanswered } = await nodesUp(backends);
    const kept = ownKept(found)
      .map(({ name }) => name)
      .join(', ');
    const known = kept === '' ? [] : [`${kept}; \`cnilab down --all\` ends them`];
    const how = [...known, ...unanswered].join('; ') || 'none was left up';
    say(unanswered.length === 0, 'nodes up', how);
  });
  if (flags.json === true) world.out.write(`${JSON.stringify({ nodes, checks }, null, 2)}\n`);
  return nodes ? EXIT.pass : EXIT.inconclusive;
}

/** What can be done about a backend that does not work, or works for single nodes alone. */
const waysOutOf = (check: BackendCheck): readonly string[] => {
  if (!check.works) return check.waysOut;
  return check.noClusters === undefined ? [] : [`no clusters there: ${check.noClusters}`];
};

/** The cache directory, or the existing directory in which it will be created. */
const firstThatExists = (hostPath: string): string =>
  isThere(hostPath) ? hostPath : firstThatExists(dirname(hostPath));

/** A path that leads through a file does not exist either. */
function isThere(hostPath: string): boolean {
  try {
    return lstatSync(hostPath, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The features that plugins need and the kernel of this host does not have. Bare nodes and the containers of most
 * engines use this kernel.
 */
async function kernelFeatures({ env }: Pick<World, 'env'>): Promise<{
  readonly lacks: boolean;
  readonly how: string;
  readonly waysOut: readonly string[];
}> {
  const { missing, unknown } = await askForKinds(createExec({ env }));
  const unasked =
    unknown.length === 0
      ? ''
      : `; not asked for ${unknown.join(', ')}: that takes root, unshare, ip, tc and nft`;
  if (missing.length === 0)
    return { lacks: false, how: `lacks nothing that the standard plugins make${unasked}`, waysOut: [] };
  return {
    lacks: true,
    how: `has no ${missing.join(', ')}; a run that needs one is inconclusive${unasked}`,
    waysOut: ['`--backend vm` runs it on a kernel that has them'],
  };
}

import { resolve } from 'node:path';

import type { World } from '../assembly/world.ts';
import { readRecorded } from '../assembly/recorded.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import { timelineOf, timelineText } from '../report/timeline.ts';
import { EXIT } from './exit-codes.ts';

/** `cnilab timeline`: prints what happened in recorded runs, in order of time. */
export async function timelineCommand(
  world: World,
  folders: readonly string[],
  flags: { readonly json?: true; readonly verbose?: true },
): Promise<number> {
  const runs = folders
    .flatMap((folder) => readRecorded(resolve(world.cwd, folder)))
    .map(({ run, entries }) => ({
      run: run.title,
      isRecorded: run.nodes.some(({ record }) => record === true),
      events: timelineOf(run, entries, RUNTIMES),
    }));
  if (flags.json === true) {
    world.out.write(`${JSON.stringify(runs.map(({ run, events }) => ({ run, events })))}\n`);
    return EXIT.pass;
  }
  for (const { run, isRecorded, events } of runs) {
    const lines = timelineText(events, { verbose: flags.verbose === true });
    const note = isRecorded ? [] : ['plugin calls were not recorded; `cnilab run --record` does'];
    world.out.write(`${[run, ...note, ...lines].join('\n')}\n`);
  }
  return EXIT.pass;
}

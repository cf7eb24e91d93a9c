import { appendFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import type { Reporter } from '../report/reporter.ts';
import type { RunFlags, World } from '../assembly/world.ts';

/** The reporters that `--reporter name[=file]` asks for, the terminal's where nothing else writes to the terminal. */
export async function createReporters(
  world: World,
  flags: Pick<RunFlags, 'reporter' | 'verbose'>,
): Promise<readonly Reporter[]> {
  const { reporter: wanted = ['terminal'] } = flags;
  const onOutput = wanted.filter((text) => !text.includes('='));
  if (onOutput.length > 1)
    throw new BadInput(
      `standard output takes one reporter; got ${onOutput.join(' and ')}: give all but one a file, as in ${onOutput[1]}=FILE`,
    );
  const reporters: Reporter[] = [];
  for (const text of wanted) {
    const [name = '', file] = text.split(/=(.*)/s);
    reporters.push(await createReporter(world, { name, file, verbose: flags.verbose === true }));
  }
  if (wanted.every((text) => text.includes('='))) {
    reporters.unshift(
      await createReporter(world, { name: 'terminal', file: undefined, verbose: flags.verbose === true }),
    );
  }
  return reporters;
}

interface Wanted {
  readonly name: string;
  readonly file: string | undefined;
  readonly verbose: boolean;
}

async function createReporter(world: World, { name, file, verbose }: Wanted): Promise<Reporter> {
  const write = file === undefined ? world.out.write : writerTo(resolve(world.cwd, file));
  switch (name) {
    case 'terminal': {
      const { createTerminalReporter } = await import('../report/terminal.ts');
      const screen =
        file === undefined
          ? world.out
          : { write, draw: write, isTerminal: false, color: false, columns: 120 };
      return createTerminalReporter({ screen, clock: world.clock, verbose });
    }
    case 'json':
      return (await import('../report/json.ts')).createJsonReporter({ write });
    case 'junit':
      return (await import('../report/junit.ts')).createJunitReporter({ write });
    default:
      throw new BadInput(
        `there is no reporter ${JSON.stringify(name)}; there are terminal, json and junit, each also as name=file`,
      );
  }
}

/** A file that is opened now, so that a path that cannot be written is known before anything runs. */
function writerTo(hostPath: string): (text: string) => void {
  try {
    writeFileSync(hostPath, '');
  } catch (cause) {
    throw new BadInput(`the report cannot be written to ${hostPath}`, { cause });
  }
  return (text) => appendFileSync(hostPath, text);
}

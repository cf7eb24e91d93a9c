import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import type { Reporter } from '../report/reporter.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
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

/** What a reporter is made with. */
interface Wanted {
  readonly world: World;
  /** to its file, or to standard output */
  readonly write: (text: string) => void;
  readonly toFile: boolean;
  readonly verbose: boolean;
}

/** All that `--reporter` knows. Each is loaded when it is asked for. */
const REPORTERS: Readonly<Record<string, (wanted: Wanted) => Promise<Reporter>>> = {
  async terminal({ world, write, toFile, verbose }) {
    const { createTerminalReporter } = await import('../report/terminal.ts');
    const screen = toFile ? { write, draw: write, isTerminal: false, color: false, columns: 120 } : world.out;
    return createTerminalReporter({ screen, clock: world.clock, verbose });
  },
  json: async (wanted) => (await import('../report/json.ts')).createJsonReporter(wanted),
  junit: async (wanted) => (await import('../report/junit.ts')).createJunitReporter(wanted),
  async html({ world, write }) {
    const { createHtmlReporter } = await import('../report/html/html.ts');
    const bundled = (name: string) => readFileSync(join(world.packageHostPath, 'dist', name), 'utf8');
    const page = { script: bundled('html-report.js'), style: bundled('html-report-style.css') };
    return createHtmlReporter({ write, page, runtimes: RUNTIMES, labVersion: world.labVersion });
  },
};

const names = Object.keys(REPORTERS);
/** `terminal, json or junit` */
export const REPORTER_NAMES = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

async function createReporter(
  world: World,
  {
    name,
    file,
    verbose,
  }: { readonly name: string; readonly file: string | undefined; readonly verbose: boolean },
): Promise<Reporter> {
  const create = Object.hasOwn(REPORTERS, name) ? REPORTERS[name] : undefined;
  if (create === undefined)
    throw new BadInput(
      `there is no reporter ${JSON.stringify(name)}; it is ${REPORTER_NAMES}, each also as name=file`,
    );
  const write = file === undefined ? world.out.write : writerTo(resolve(world.cwd, file));
  return create({ world, write, toFile: file !== undefined, verbose });
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

import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import type { GithubOptions } from '../report/github.ts';
import type { Reporter } from '../report/reporter.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import type { RunFlags, World } from '../assembly/world.ts';

/**
 * The reporters for `--reporter name[=file]`. The terminal reporter is added unless another one writes to the terminal.
 */
export async function createReporters(
  world: World,
  flags: Pick<RunFlags, 'reporter' | 'verbose'>,
): Promise<readonly Reporter[]> {
  const { reporter: wanted = ['terminal'] } = flags;
  const withoutFile = wanted.filter((text) => !text.includes('='));
  const isShared =
    new Set(withoutFile.filter((text) => SHARE_OUTPUT.includes(text))).size === withoutFile.length;
  const onOutput = isShared ? [] : withoutFile;
  if (onOutput.length > 1)
    throw new BadInput(
      `standard output takes one reporter; got ${onOutput.join(' and ')}: give all but one a file, as in ${onOutput[1]}=FILE`,
    );
  const isSilent = withoutFile.every((text) => text === 'github');
  const all = isSilent ? ['terminal', ...wanted] : wanted;
  const named = all.map((text) => {
    const [name = '', file] = text.split(/=(.*)/s);
    return { name, file: file === undefined ? undefined : resolve(world.cwd, file) };
  });
  const files = named.flatMap(({ file }) => file ?? []);
  const reporters: Reporter[] = [];
  for (const one of named)
    reporters.push(await createReporter(world, { ...one, files, verbose: flags.verbose === true }));
  return reporters;
}

/** The arguments for creating a reporter. */
interface Wanted {
  readonly world: World;
  /** to its file, or to standard output */
  readonly write: (text: string) => void;
  readonly toFile: boolean;
  readonly verbose: boolean;
  /** the files of all reporters */
  readonly files: readonly string[];
}

/** Every value of `--reporter`. Each reporter is loaded on demand. */
export const REPORTERS: Readonly<Record<string, (wanted: Wanted) => Promise<Reporter>>> = {
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
  async ctrf({ world: { clock, labVersion }, write }) {
    const { createCtrfReporter } = await import('../report/ctrf.ts');
    return createCtrfReporter({ write, labVersion, nowMs: () => clock.date().getTime() });
  },
  markdown: async (wanted) => (await import('../report/markdown.ts')).createMarkdownReporter(wanted),
  tap: async (wanted) => (await import('../report/tap.ts')).createTapReporter(wanted),
  async github({ world, write, files }) {
    const { createGithubReporter } = await import('../report/github.ts');
    return createGithubReporter({ ...runnerOf(world), write, reportFiles: files });
  },
};

/** These two can share it: the runner removes the lines of the second from the log, because they are commands. */
const SHARE_OUTPUT = ['terminal', 'github'];

const names = Object.keys(REPORTERS);
/** `terminal, json or junit` */
export const REPORTER_NAMES = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

interface Named extends Pick<Wanted, 'files' | 'verbose'> {
  readonly name: string;
  readonly file: string | undefined;
}

async function createReporter(world: World, { name, file, ...more }: Named): Promise<Reporter> {
  const create = Object.hasOwn(REPORTERS, name) ? REPORTERS[name] : undefined;
  if (create === undefined)
    throw new BadInput(
      `there is no reporter ${JSON.stringify(name)}; it is ${REPORTER_NAMES}, each also as name=file`,
    );
  if (name === 'html' && file === undefined && world.out.isTerminal)
    throw new BadInput('a page is nothing for a terminal; give it a file, as in --reporter html=report.html');
  const onOutput = name === 'github' ? world.writeCommand : world.out.write;
  const write = file === undefined ? onOutput : writerTo(file);
  return create({ world, write, toFile: file !== undefined, ...more });
}

/** The environment that a step of a GitHub workflow provides. */
function runnerOf(world: World): Omit<GithubOptions, 'write' | 'reportFiles'> {
  const { env, cwd } = world;
  const summary = env['GITHUB_STEP_SUMMARY'];
  const output = env['GITHUB_OUTPUT'];
  return {
    ...(summary ? { appendSummary: (text) => appendFileSync(summary, text) } : {}),
    ...(output ? { appendOutput: (text) => appendFileSync(output, text) } : {}),
    summaryRoom: SUMMARY_BYTES - (summary ? sizeOf(summary) : 0),
    cwd,
    workspace: env['GITHUB_WORKSPACE'] || cwd,
    newToken: () => [world.randomId(), world.randomId(), world.randomId()].join(''),
  };
}

function sizeOf(hostPath: string): number {
  try {
    return statSync(hostPath).size;
  } catch {
    return 0; // the later write reports the reason
  }
}

/** The runner rejects a summary of more than 1 MiB for one step. */
const SUMMARY_BYTES = 1000 * 1024;

/** Opens a file now, so that a path that is not writable is reported before anything runs. */
function writerTo(hostPath: string): (text: string) => void {
  try {
    writeFileSync(hostPath, '');
  } catch (cause) {
    throw new BadInput(`the report cannot be written to ${hostPath}`, { cause });
  }
  return (text) => appendFileSync(hostPath, text);
}

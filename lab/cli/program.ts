import { Argument, Command, InvalidArgumentError, Option } from 'commander';

import { CNI_VERBS, type CniVerb } from '../core/fake-plugin.ts';
import { SYSTEM_CALLS } from '../core/node-state.ts';
import { BACKENDS } from '../nodes/node.ts';
import { parseShard, type Shard } from '../plan/shard.ts';
import { checkTimeout } from '../spec/limits.ts';
import { SHELLS, completionCommand, type Shell } from './completion.ts';
import type { NodeFlags, RunFlags, TitleFlags, World } from '../assembly/world.ts';
import { helpBelow } from './help.ts';
import type { CniFlags } from './kept.ts';
import type { ParityFlags } from './parity.ts';
import type { PlanFlags } from './plan.ts';
import type { ReplayFlags } from './replay.ts';
import type { MergeFlags, ReportFlags } from './report.ts';
import { REPORTER_NAMES } from './reporters.ts';
import type { UpFlags } from './up.ts';

const list = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...value.split(','),
];
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

function positive(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('a whole number above 0 is wanted');
  return number;
}

function zeroOrMore(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isInteger(number) || number < 0)
    throw new InvalidArgumentError('0 or a whole number above is wanted');
  return number;
}

function seconds(value: string): number {
  const number = positive(value);
  const limit = checkTimeout(number * 1000);
  if (!limit.ok) throw new InvalidArgumentError(limit.error);
  return number;
}

function shard(value: string): Shard {
  const parsed = parseShard(value);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.error);
  return parsed.value;
}

/** The command line. Each verb is a file next to this one that is loaded on demand. `done` gets its exit code. */
export function createProgram(world: World, done: (exitCode: number) => void): Command {
  const program = new Command('cnilab')
    .description('Any real containerd or CRI-O on a fresh node, a scenario, a verdict.')
    .version(world.labVersion)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'cnilab: ')),
    })
    .option('--no-color', 'plain text')
    .showSuggestionAfterError();

  withRunFlags(
    withShardFlags(
      withSelectFlags(
        program
          .command('run')
          .option(
            '--all',
            'every scenario and every control, also those in sub-folders, but none with a cluster',
          )
          .option('--keep', 'leave the nodes up, and say how to enter and end them')
          .option('-u, --update', 'write what was measured into the files, after showing the difference')
          .option('-y, --yes', 'with --update: write without asking')
          .option('--reporter <name[=file]>', `${REPORTER_NAMES}; more than one may be given`, collect),
      ),
    ),
  )
    .description('run scenarios and judge them')
    .argument('[scenarios...]', 'names, files, folders or globs')
    .action(async (names: string[], flags: RunFlags) =>
      done(await (await import('./run.ts')).runCommand(world, names, flags)),
    );

  withRunFlags(
    withTitleFlags(
      program
        .command('parity')
        .option('--sample <n>', 'only so many cells of each scenario, spread over its versions', positive)
        .addOption(new Option('--only <backend...>', 'only these backends, two at least').choices(BACKENDS)),
    ),
  )
    .description('run scenarios on every backend that works here, and compare what they showed')
    .argument('[scenarios...]', 'names, files, folders or globs; default: all')
    .action(async (names: string[], flags: ParityFlags) =>
      done(await (await import('./parity.ts')).parityCommand(world, names, flags)),
    );

  program
    .command('list')
    .description('the scenarios there are, and what each of them shows')
    .argument('[scenarios...]', 'names, files, folders or globs; default: all')
    .option('--json', 'as data')
    .action(async (names: string[], flags: { json?: true }) =>
      done(await (await import('./list.ts')).listCommand(world, names, flags)),
    );

  withNodeFlags(
    withShardFlags(
      withTitleFlags(
        program
          .command('plan')
          .option('--json', 'as data')
          .option('--github', 'as a matrix for jobs of GitHub Actions, one for each shard')
          .option('--shards <n>', 'with --github: into how many shards', positive),
      ),
    ),
  )
    .description('what would run')
    .argument('[scenarios...]', 'names, files, folders or globs; default: all')
    .action(async (names: string[], flags: PlanFlags) =>
      done(await (await import('./plan.ts')).planCommand(world, names, flags)),
    );

  program
    .command('judge')
    .description('the verdict on recorded runs, on the terminal')
    .argument('<folders...>', 'of runs, of sessions, or of any folders around them')
    .option('-v, --verbose', 'say everything that was done')
    .action(async (folders: string[], flags: Pick<RunFlags, 'verbose'>) =>
      done(await (await import('./report.ts')).reportCommand(world, folders, flags)),
    );

  program
    .command('report')
    .description('reports on recorded runs: for a browser, for CI services, for programs')
    .argument('<folders...>', 'of runs, of sessions, or of any folders around them')
    .option('--reporter <name[=file]>', `${REPORTER_NAMES}; more than one may be given`, collect)
    .option('--fail-on-flaky', 'fail where a run passed only when repeated')
    .option('-v, --verbose', 'say everything that was done')
    .action(async (folders: string[], flags: ReportFlags) =>
      done(await (await import('./report.ts')).reportCommand(world, folders, flags)),
    );

  program
    .command('merge')
    .description('one report and one verdict from all shards of a plan')
    .argument('<folders...>', 'of sessions, or of any folders around them')
    .option('--output <folder>', 'record all runs as one session there')
    .option('--reporter <name[=file]>', `${REPORTER_NAMES}; more than one may be given`, collect)
    .option('--fail-on-flaky', 'fail where a run passed only when repeated')
    .option('-v, --verbose', 'say everything that was done')
    .action(async (folders: string[], flags: MergeFlags) =>
      done(await (await import('./report.ts')).mergeCommand(world, folders, flags)),
    );

  program
    .command('timeline')
    .description('what happened in recorded runs: steps, CRI and CNI calls, network namespaces, log')
    .argument('<folders...>', 'of runs or of whole sessions, as they stand in .cnilab/')
    .option('--json', 'as data')
    .option('-v, --verbose', "all of the runtime's log, also that of its start")
    .action(async (folders: string[], flags: { json?: true; verbose?: true }) =>
      done(await (await import('./timeline.ts')).timelineCommand(world, folders, flags)),
    );

  withBackendFlags(
    withSourceFlags(
      program
        .command('replay')
        .option('--node <name>', 'on this node, which is up; default: a fresh one of the same plan')
        .option('--on <name>', 'of a run with several nodes: the one where the call was'),
    ),
  )
    .description('repeat one recorded plugin call, and say what differs')
    .argument('<run>', 'folder of a run that was recorded with --record, below .cnilab/')
    .argument('<call>', 'its number in the timeline', positive)
    .action(async (folder: string, call: number, flags: ReplayFlags) =>
      done(await (await import('./replay.ts')).replayCommand(world, folder, { number: call, flags })),
    );

  program
    .command('findings')
    .description('what recorded runs of all scenarios have shown, as a page')
    .argument('[folder]', 'of a session; default: .cnilab/latest')
    .option('--write', 'to docs/findings.md, and its table to README.md')
    .option('--check', 'exit with 1 where these are not up to date')
    .action(async (folder: string | undefined, flags: { write?: true; check?: true }) =>
      done(await (await import('./findings.ts')).findingsCommand(world, folder, flags)),
    );

  withTitleFlags(withNodeFlags(program.command('fetch')))
    .description('bring everything that scenarios need into the cache, for use without a network')
    .argument('[scenarios...]', 'names, files, folders or globs; default: all')
    .action(async (names: string[], flags: NodeFlags & TitleFlags) =>
      done(await (await import('./fetch.ts')).fetchCommand(world, names, flags)),
    );

  withSourceFlags(program.command('versions'))
    .description('the versions that are available, and from where')
    .argument('[component]', 'containerd, crio, runc, cni-plugins or crictl')
    .option('--json', 'as data')
    .action(async (component: string | undefined, flags: NodeFlags & { json?: true }) =>
      done(await (await import('./versions.ts')).versionsCommand(world, component, flags)),
    );

  withSourceFlags(program.command('doctor'))
    .description('what works on this host, and what to do about the rest')
    .option('--json', 'as data')
    .action(async (flags: NodeFlags & { json?: true }) =>
      done(await (await import('./doctor.ts')).doctorCommand(world, flags)),
    );

  program
    .command('clean')
    .description('remove what killed runs left on this host')
    .option('--cache', 'and everything that was fetched and built')
    .option('--kept', 'and the nodes that were left up')
    .action(async (flags: { cache?: true; kept?: true }) =>
      done(await (await import('./clean.ts')).cleanCommand(world, flags)),
    );

  withVersionFlags(
    program
      .command('up')
      .option('--name <name>', 'of the node; default: lab- and six letters')
      .option(
        '--scenario <file>',
        'the node of this scenario, before its first step; other options go over it',
      )
      .option('--set <axis=value>', 'which cell of the scenario; more than one may be given', collect)
      .option('--cni-config <file>', 'into /etc/cni/net.d; may be given more than once', collect)
      .option('--runtime-config <file>', "tables in TOML or YAML over the lab's own configuration")
      .option('--limit <what=amount>', 'of memory, processes or tmpfs: memory=512MiB; one each', collect)
      .option('--file <path=file>', 'onto the node, by absolute path; more than one may be given', collect)
      .addOption(
        new Option('--system-calls <how>', "unfiltered: without the lab's seccomp filter").choices(
          SYSTEM_CALLS,
        ),
      ),
    'default: the one in images/pins.yaml',
  )
    .description('a node of these versions, for work by hand')
    .action(async (flags: UpFlags) => done(await (await import('./up.ts')).upCommand(world, flags)));

  program
    .command('enter')
    .description('a shell on a node that was left up, or one command there')
    .argument('<node>', 'its name, as `cnilab ps` shows it')
    .argument('[command...]', 'default: a shell')
    .passThroughOptions()
    .action(async (name: string, command: string[]) =>
      done(await (await import('./kept.ts')).enterCommand(world, name, command)),
    );

  program
    .command('cni')
    .description('call a CNI plugin, or a whole network, on a node that was left up')
    .addArgument(new Argument('<verb>', 'of CNI').choices(CNI_VERBS))
    .argument('<node>', 'its name, as `cnilab ps` shows it')
    .option('--plugin <name>', 'this one alone; default: all of the network, by libcni')
    .option('--network <file>', 'of /etc/cni/net.d; default: the first by name')
    .option('--config <file>', "in place of the node's configuration; - is standard input")
    .option('--netns <namespace>', 'a path, or the name of one that add makes; default: the container id')
    .option('--container-id <id>', 'default: cnilab')
    .option('--ifname <name>', 'default: eth0')
    .option('--args <pairs>', 'CNI_ARGS: KEY=VALUE;KEY=VALUE')
    .option('--capabilities <json>', 'of which each plugin gets what it asks for, as runtimeConfig')
    .option('--path <folders>', 'CNI_PATH; default: /opt/cni/bin')
    .option('--keep <attachments>', 'of gc: ID/IFNAME, more with commas')
    .action(async (verb: CniVerb, name: string, flags: CniFlags) =>
      done(await (await import('./kept.ts')).cniCommand(world, verb, name, flags)),
    );

  program
    .command('ps')
    .description('the nodes that are up')
    .action(async () => done(await (await import('./kept.ts')).psCommand(world)));

  program
    .command('down')
    .description('end nodes that were left up')
    .argument('[nodes...]', 'their names, as `cnilab ps` shows them')
    .option('--all', 'all of them')
    .action(async (names: string[], flags: { all?: true }) =>
      done(await (await import('./kept.ts')).downCommand(world, names, flags)),
    );

  program
    .command('completion')
    .description('the script that completes words in your shell')
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .action((shell: Shell) => done(completionCommand(world, shell)));

  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .passThroughOptions()
    .action(async (words: string[]) =>
      done(await (await import('./completion.ts')).completeCommand(world, program, words)),
    );

  // assembly/ambient.ts reads it from all arguments, so it may also follow the verb
  for (const command of program.commands)
    command
      .addOption(new Option('--no-color', 'plain text').hideHelp())
      .addHelpText('after', () => helpBelow(command.name()));
  return program;
}

function withSourceFlags(command: Command): Command {
  return command
    .optionsGroup('Where versions come from:')
    .option('--offline', 'use what is in the cache, and open no socket')
    .option('--sources <list>', 'where to look, in this order: local,release,gomod,debian')
    .option('--mirror <url>', 'serves the official release files with their own layout');
}

function withVersionFlags(command: Command, which: string, several = ''): Command {
  return withBackendFlags(
    withSourceFlags(
      command
        .optionsGroup('Versions:')
        .option('--containerd <version>', `${which}${several}`, list)
        .option('--crio <version>', `${which}; CRI-O as the runtime`, list)
        .option('--runc <version>', which)
        .option('--cni-plugins <version>', `${which}; the whole set`)
        .option('--crictl <version>', which),
    ),
  )
    .option('--record', 'record each call of a plugin, whatever the scenario says')
    .option('--no-record', 'record none, but where an expectation needs it');
}

function withBackendFlags(command: Command): Command {
  return command
    .optionsGroup('Nodes:')
    .addOption(
      new Option('--backend <name>', 'how nodes are made').choices(['auto', ...BACKENDS]).default('auto'),
    )
    .option('--base <image>', 'for container nodes to start from: of a Debian, or for kind of kind')
    .option('--kernel <kernel>', 'of virtual machines: a suite, a version, or local:VMLINUZ,MODULES')
    .option(
      '--kind <version>',
      'what makes the clusters of --backend kind; local:PATH for a build of your own',
    );
}

function withNodeFlags(command: Command): Command {
  return withVersionFlags(
    command
      .optionsGroup('Cells of the matrix:')
      .option(
        '--set <axis=value>',
        'of the matrix: only this value, or another one; several with commas',
        collect,
      ),
    'instead of what the scenario says',
    '; several with commas',
  )
    .optionsGroup('Versions:')
    .option(
      '--kubernetes <version>',
      'of a cluster, instead of what the scenario says; several with commas',
      list,
    );
}

function withShardFlags(command: Command): Command {
  return command
    .optionsGroup('Several machines:')
    .option('--shard <i/n>', 'only one of n parts of the runs, for one of n machines: 1/3', shard)
    .option('--durations <file>', 'JSON report of earlier runs, so that the shards take equally long');
}

/** The group of flags that README has in a table of its own. */
export const SELECT_GROUP = 'Some of the runs, and more than once:';

/** What `plan`, `fetch` and `parity` have of them too. */
function withTitleFlags(command: Command): Command {
  return command
    .optionsGroup(SELECT_GROUP)
    .option('--only-changed <revision>', 'only scenarios of which a file differs from this git revision')
    .option('-g, --grep <pattern>', 'only runs whose title matches this regular expression')
    .option('--grep-invert <pattern>', 'only runs whose title does not match it');
}

function withSelectFlags(command: Command): Command {
  return withTitleFlags(
    command
      .optionsGroup(SELECT_GROUP)
      .option('--last-failed', 'only runs that did not pass in the last session in the output folder'),
  )
    .option('--repeat <n>', 'each run so many times, and name those whose outcomes differ', positive)
    .option('--retries <n>', 'repeat a run that does not pass, so many times at most', zeroOrMore)
    .option('--fail-on-flaky', 'with --retries: fail where a run passed only when repeated')
    .option('--max-failures <n>', 'start no further run once so many did not pass', positive)
    .option('-x, --bail', 'the same as --max-failures 1')
    .option('-w, --watch', 'run again what a change of a file touches, until q or Ctrl-C');
}

function withRunFlags(command: Command): Command {
  return withNodeFlags(
    command
      .optionsGroup('How it runs:')
      .option('-j, --jobs <n>', 'runs at a time (default: what gets most done on these cores)', positive)
      .option('--output <folder>', 'where runs are recorded', '.cnilab')
      .option('--timeout <seconds>', 'the limit of each step', seconds)
      .option('-v, --verbose', 'say everything that is done'),
  );
}

import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import picomatch from 'picomatch';
import { parse } from 'yaml';

import { evaluateIn, isMet, type Values } from './github-expressions.ts';

type Strings = Readonly<Record<string, string>>;

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string | boolean;
  readonly uses?: string;
  readonly with?: Values;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Values;
  readonly 'working-directory'?: string;
}

interface Action {
  readonly inputs?: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

interface Workflow {
  readonly name?: string;
  readonly env?: Values;
  readonly defaults?: { readonly run?: { readonly shell?: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly name?: string;
  readonly 'runs-on': string;
  readonly if?: string | boolean;
  readonly needs?: string | readonly string[];
  readonly env?: Values;
  readonly outputs?: Strings;
  readonly defaults?: Workflow['defaults'];
  readonly strategy?: { readonly matrix: unknown };
  readonly steps: readonly Step[];
}

export interface StepResult {
  readonly name: string;
  readonly outcome: 'success' | 'failure' | 'skipped';
  readonly outputs: Strings;
  /** what its shell wrote to standard output and standard error */
  readonly log: string;
}

export interface JobResult {
  readonly job: string;
  /** as GitHub shows it: for a matrix with its values, if the workflow says so */
  readonly name: string;
  readonly result: 'success' | 'failure' | 'skipped';
  readonly outputs: Strings;
  /** the steps of a composite action follow the step that uses it */
  readonly steps: readonly StepResult[];
  readonly summary: string;
}

export interface RunnerOptions {
  /** scratch space: each job has its own machine below it */
  readonly folder: string;
  /** what `actions/checkout` copies; `uses: ./` is the action in it */
  readonly checkout: (workspace: string) => void;
  /** the inputs of `workflow_dispatch` */
  readonly inputs?: Values;
  readonly eventName?: string;
  /** a step to leave out, as if its condition were false */
  readonly leaveOut?: (step: { readonly uses?: string; readonly with: Strings }) => boolean;
}

/** Where the runner and composite actions keep what later steps read. */
interface Scope {
  readonly contexts: Record<string, unknown>;
  readonly env: Strings;
  readonly shell: string | undefined;
  /** false after a step of this job or action has failed */
  succeeding: boolean;
}

/**
 * Runs workflows as a GitHub Actions runner on ubuntu-24.04 does, as far as ours need it. Shells really run, with the
 * files and variables of a runner, and GitHub's own library evaluates expressions. Other actions are not available;
 * `use` does what each of them would do.
 */
export class GithubRunner {
  readonly artifacts: string;
  private readonly options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.options = options;
    this.artifacts = join(options.folder, 'artifacts');
    mkdirSync(this.artifacts, { recursive: true });
  }

  /** All jobs of a workflow, each after the jobs that it needs, and a matrix job once for each of its cells. */
  async runWorkflow(text: string): Promise<readonly JobResult[]> {
    const workflow = parse(text) as Workflow;
    const results: JobResult[] = [];
    const left = new Map(Object.entries(workflow.jobs));
    while (left.size > 0) {
      const next = [...left].find(([, job]) => needsOf(job).every((id) => !left.has(id)));
      if (next === undefined) throw new Error(`jobs need each other: ${[...left.keys()].join(', ')}`);
      const [id, job] = next;
      left.delete(id);
      const needs = Object.fromEntries(needsOf(job).map((need) => [need, needed(results, need)]));
      const scope = this.jobScope(workflow, { id, job, needs, matrix: {} });
      scope.succeeding = Object.values(needs).every(({ result }) => result === 'success');
      if (!isMet(job.if, scope)) {
        results.push({ job: id, name: id, result: 'skipped', outputs: {}, steps: [], summary: '' });
        continue;
      }
      for (const matrix of cellsOf(evaluateIn(job.strategy?.matrix, scope.contexts)))
        results.push(await this.runJob(workflow, { id, job, needs, matrix }));
    }
    return results;
  }

  private async runJob(workflow: Workflow, of: OneJob): Promise<JobResult> {
    const scope = this.jobScope(workflow, of);
    const github = scope.contexts['github'] as { workspace: string };
    mkdirSync(github.workspace, { recursive: true });
    const summary = scope.env['GITHUB_STEP_SUMMARY'] ?? '';
    writeFileSync(summary, '');
    const steps: StepResult[] = [];
    await this.runSteps(of.job.steps, scope, steps);
    const outputs = evaluateIn(of.job.outputs ?? {}, scope.contexts) as Strings;
    const result = scope.succeeding ? 'success' : 'failure';
    return {
      job: of.id,
      name: String(evaluateIn(of.job.name ?? of.id, scope.contexts)),
      result,
      outputs,
      steps,
      summary: readFileSync(summary, 'utf8'),
    };
  }

  private jobScope(workflow: Workflow, { id, job, needs, matrix }: OneJob): Scope {
    const machine = mkdtempSync(join(this.options.folder, `${id}-`));
    const home = join(machine, 'home/runner');
    const workspace = join(home, 'work/cnilab/cnilab');
    const temp = join(home, 'work/_temp');
    for (const folder of [temp, join(machine, 'bin')]) mkdirSync(folder, { recursive: true });
    symlinkSync(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), join(home, '.cache'));
    writeFileSync(join(machine, 'bin/sudo'), SUDO);
    chmodSync(join(machine, 'bin/sudo'), 0o755);
    writeFileSync(join(temp, 'event.json'), '{}');
    const runsOn = String(evaluateIn(job['runs-on'], { matrix }));
    const arch = runsOn.endsWith('-arm') ? 'ARM64' : 'X64';
    const github = {
      ...{ workspace, workflow: workflow.name ?? id, job: id, ref: 'refs/heads/main', ref_name: 'main' },
      ...{
        event_name: this.options.eventName ?? 'workflow_dispatch',
        repository: 'example/cnilab',
        sha: SHA,
      },
      event: { inputs: this.options.inputs ?? {} },
    };
    const env = {
      ...FROM_THIS_MACHINE,
      ...{ CI: 'true', GITHUB_ACTIONS: 'true', ImageOS: 'ubuntu24', LANG: 'C.UTF-8', USER: 'runner' },
      HOME: home,
      PATH: `${machine}/bin:${process.env['PATH']}`,
      ...{ RUNNER_OS: 'Linux', RUNNER_ARCH: arch, RUNNER_TEMP: temp, RUNNER_NAME: 'GitHub Actions 1' },
      ...{ RUNNER_ENVIRONMENT: 'github-hosted', RUNNER_TOOL_CACHE: join(machine, 'hostedtoolcache') },
      ...{ GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: join(temp, 'step_summary') },
      ...{ GITHUB_EVENT_NAME: github.event_name, GITHUB_EVENT_PATH: join(temp, 'event.json') },
      ...{ GITHUB_REPOSITORY: github.repository, GITHUB_SHA: SHA, GITHUB_REF: github.ref, GITHUB_JOB: id },
      ...{ GITHUB_REF_NAME: github.ref_name, GITHUB_WORKFLOW: github.workflow, GITHUB_RUN_ID: '1' },
      ...{ GITHUB_RUN_NUMBER: '1', GITHUB_RUN_ATTEMPT: '1', GITHUB_ACTOR: 'octocat' },
      ...{ GITHUB_SERVER_URL: 'https://github.com', GITHUB_API_URL: 'https://api.github.com' },
    };
    const contexts = {
      ...{ github, needs, matrix, inputs: this.options.inputs ?? {}, steps: {}, strategy: {} },
      runner: { os: 'Linux', arch, temp },
    };
    const own = { ...workflow.env, ...job.env };
    return {
      contexts,
      env: { ...env, ...(evaluateIn(own, contexts) as Strings) },
      shell: job.defaults?.run?.shell ?? workflow.defaults?.run?.shell,
      succeeding: true,
    };
  }

  /** Adds a result for each step, and returns what the steps have set for later steps. */
  private async runSteps(
    steps: readonly Step[],
    scope: Scope,
    results: StepResult[],
  ): Promise<Pick<Done, 'env' | 'path'>> {
    let env = scope.env;
    let set: Pick<Done, 'env' | 'path'> = { env: {}, path: [] };
    for (const [at, step] of steps.entries()) {
      const contexts: Record<string, unknown> = { ...scope.contexts, env };
      const words = Object.entries(evaluateIn(step.with ?? {}, contexts) as Values);
      const withs = Object.fromEntries(words.map(([key, value]) => [key, String(value)]));
      const name = String(evaluateIn(step.name ?? step.uses ?? step.run?.split('\n')[0], contexts));
      const leftOut = this.options.leaveOut?.({ ...step, with: withs }) === true;
      const index = results.push({ name, outcome: 'skipped', outputs: {}, log: '' }) - 1;
      if (!leftOut && isMet(step.if, { ...scope, contexts })) {
        const stepEnv = { ...env, ...(evaluateIn(step.env ?? {}, contexts) as Strings) };
        const done =
          step.run === undefined
            ? await this.use(step.uses ?? '', { withs, env: stepEnv, scope, results })
            : await runShell(String(evaluateIn(step.run, contexts)), {
                env: stepEnv,
                shell: step.shell ?? scope.shell,
                cwd: resolve(env['GITHUB_WORKSPACE'] ?? '', step['working-directory'] ?? '.'),
              });
        results[index] = { name, outcome: done.outcome, outputs: done.outputs, log: done.log };
        if (done.outcome === 'failure') scope.succeeding = false;
        set = { env: { ...set.env, ...done.env }, path: [...done.path, ...set.path] };
        env = { ...env, ...done.env, PATH: [...done.path, env['PATH']].join(':') };
      }
      const { outcome, outputs } = results[index] ?? {};
      Object.assign(scope.contexts['steps'] as Values, { [step.id ?? `__${at}`]: { outcome, outputs } });
    }
    return set;
  }

  /** Runs an action. For actions that are not available, it does only what later steps can see. */
  private async use(
    uses: string,
    { withs, env, scope, results }: { withs: Strings; env: Strings; scope: Scope; results: StepResult[] },
  ): Promise<Done> {
    const workspace = env['GITHUB_WORKSPACE'] ?? '';
    const done: Done = { outcome: 'success', outputs: {}, env: {}, path: [], log: '' };
    if (uses === './') return this.useComposite(workspace, { withs, env, scope, results });
    switch (uses.split('@')[0]) {
      case 'actions/checkout':
        this.options.checkout(workspace);
        return done;
      case 'actions/setup-node':
      case 'actions/setup-go':
        return done; // uses this machine's Go
      case 'actions/cache/restore':
        return { ...done, outputs: { 'cache-hit': '' } }; // the home folder has this machine's cache
      case 'actions/cache/save': {
        const missing = lines(withs['path']).filter((path) => !existsSync(path));
        if (missing.length > 0) return { ...done, outcome: 'failure', log: `no ${missing.join(', ')}` };
        return done;
      }
      case 'actions/upload-artifact':
        return this.upload(withs);
      case 'actions/download-artifact': {
        const isWanted = picomatch(withs['pattern'] ?? '*');
        for (const name of readdirSync(this.artifacts).filter((one) => isWanted(one)))
          cpSync(join(this.artifacts, name), join(workspace, withs['path'] ?? '.', name), {
            recursive: true,
          });
        return done;
      }
      default:
        throw new Error(`this runner does not know what ${uses} would do`);
    }
  }

  private async useComposite(
    folder: string,
    { withs, env, scope, results }: { withs: Strings; env: Strings; scope: Scope; results: StepResult[] },
  ): Promise<Done> {
    const action = parse(readFileSync(join(folder, 'action.yml'), 'utf8')) as Action;
    const declared = Object.entries(action.inputs ?? {});
    const unknown = Object.keys(withs).filter((name) => !declared.some(([input]) => input === name));
    if (unknown.length > 0) throw new Error(`the action has no input ${unknown.join(', ')}`);
    const inputs = Object.fromEntries(
      declared.map(([name, input]) => [name, withs[name] ?? input.default ?? '']),
    );
    const github = { ...(scope.contexts['github'] as Values), action_path: folder };
    const { job: _job, ...outer } = scope.contexts;
    const inner: Scope = {
      contexts: { ...outer, github, inputs, steps: {} },
      env: { ...env, GITHUB_ACTION_PATH: folder },
      shell: undefined,
      succeeding: true,
    };
    const set = await this.runSteps(action.runs.steps, inner, results);
    const outputs = Object.entries(action.outputs ?? {}).map(([name, { value }]) => [
      name,
      String(evaluateIn(value, inner.contexts)),
    ]);
    return {
      outcome: inner.succeeding ? 'success' : 'failure',
      outputs: Object.fromEntries(outputs) as Strings,
      log: '',
      ...set,
    };
  }

  /**
   * The rules of version 4 and later: each name is used once, some characters are rejected, and links are followed, so
   * that what they lead to is uploaded again.
   */
  private upload({ name = 'artifact', path = '', overwrite }: Strings): Done {
    const done: Done = { outcome: 'success', outputs: {}, env: {}, path: [], log: '' };
    const target = join(this.artifacts, name);
    const bad = [name, ...filesBelow(path)].filter((text) => /[":<>|*?\r\n]/.test(text));
    if (bad.length > 0 || /[\\/]/.test(name))
      return { ...done, outcome: 'failure', log: `characters that artifacts cannot have: ${bad.join(', ')}` };
    if (existsSync(target) && overwrite !== 'true')
      return { ...done, outcome: 'failure', log: `an artifact ${name} exists` };
    cpSync(path, target, { recursive: true, dereference: true });
    return done;
  }
}

interface OneJob {
  readonly id: string;
  readonly job: Job;
  readonly needs: Readonly<Record<string, Pick<JobResult, 'result' | 'outputs'>>>;
  readonly matrix: Values;
}

interface Done extends Omit<StepResult, 'name'> {
  readonly env: Strings;
  /** folders that are put before the PATH of later steps, the last one first */
  readonly path: readonly string[];
}

const SHA = '0123456789abcdef0123456789abcdef01234567';

/** Settings of this machine for package sources, which a runner does not need, and for the nodes of the tests. */
const FROM_THIS_MACHINE: Strings = {
  XDG_CONFIG_HOME: process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'),
  npm_config_userconfig: join(homedir(), '.npmrc'),
  npm_config_cache: join(homedir(), '.npm'),
  ...Object.fromEntries(
    [
      'CNILAB_STATE',
      'GOPROXY',
      'GOFLAGS',
      'GOSUMDB',
      'GOMODCACHE',
      'GOPATH',
      'NODE_EXTRA_CA_CERTS',
      'SSL_CERT_FILE',
    ]
      .flatMap((name) => Object.entries({ [name]: process.env[name] }))
      .filter((one): one is [string, string] => one[1] !== undefined),
  ),
};

/**
 * sudo of ubuntu-24.04 for a user without password: it sets the PATH, and without -E it removes most other variables.
 */
const SUDO = `#!/bin/bash
keep=false
if [ "$1" = -E ]; then keep=true; shift; fi
case "$1" in -*) echo "sudo: $1 is not known here" >&2; exit 1 ;; esac
secure=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
if $keep; then exec env "$secure" "$@"; fi
exec env -i "$secure" HOME=/root USER=root LANG="$LANG" "$@"
`;

function needsOf({ needs = [] }: Job): readonly string[] {
  return typeof needs === 'string' ? [needs] : needs;
}

/** What a job sees of the jobs of one name: if any cell failed, the job failed. */
function needed(results: readonly JobResult[], id: string): Pick<JobResult, 'result' | 'outputs'> {
  const cells = results.filter(({ job }) => job === id);
  const worst = (['failure', 'skipped'] as const).find((one) => cells.some(({ result }) => result === one));
  return {
    result: worst ?? 'success',
    outputs: Object.fromEntries(cells.flatMap(({ outputs }) => Object.entries(outputs))),
  };
}

/** The cells of a matrix: `include` alone, or the product of its axes. */
function cellsOf(matrix: unknown): readonly Values[] {
  if (matrix === undefined || matrix === null) return [{}];
  const { include, ...axes } = matrix as Record<string, readonly unknown[]>;
  if (include !== undefined) return include as readonly Values[];
  return Object.entries(axes).reduce<readonly Values[]>(
    (cells, [axis, values]) => cells.flatMap((cell) => values.map((value) => ({ ...cell, [axis]: value }))),
    [{}],
  );
}

const lines = (text = ''): readonly string[] => text.split('\n').filter((line) => line.trim() !== '');

function filesBelow(path: string): readonly string[] {
  return existsSync(path) ? (readdirSync(path, { recursive: true }) as string[]) : [];
}

async function runShell(
  script: string,
  { env, shell, cwd }: { readonly env: Strings; readonly shell: string | undefined; readonly cwd: string },
): Promise<Done> {
  const folder = mkdtempSync(join(env['RUNNER_TEMP'] ?? '', 'step-'));
  const files = { GITHUB_OUTPUT: 'output', GITHUB_ENV: 'env', GITHUB_PATH: 'path', GITHUB_STATE: 'state' };
  const paths = Object.entries(files).map(([variable, file]) => [variable, join(folder, file)] as const);
  for (const [, path] of paths) writeFileSync(path, '');
  const scriptPath = join(folder, 'script.sh');
  appendFileSync(scriptPath, script);
  // how runners start `shell: bash`, and the default shell
  const argv =
    shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail', scriptPath] : ['-e', scriptPath];
  const child = spawn('bash', argv, {
    cwd,
    env: { ...env, ...Object.fromEntries(paths) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const exitCode = await new Promise<number | null>((done, failed) =>
    child.on('error', failed).on('close', done),
  );
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  return {
    outcome: exitCode === 0 ? 'success' : 'failure',
    outputs: fileCommands(read('output')),
    env: fileCommands(read('env')),
    path: lines(read('path')).toReversed(),
    log,
  };
}

/** `name=value` on one line, or `name<<END`, lines and `END`. */
export function fileCommands(text: string): Strings {
  const values: Record<string, string> = {};
  const rest = text.split('\n');
  for (let line = rest.shift(); line !== undefined; line = rest.shift()) {
    if (line === '') continue;
    const [, name = '', mark = '', value = ''] = /^([^=<]+)(=|<<)(.*)$/.exec(line) ?? [];
    if (mark === '') throw new Error(`no command of a runner: ${line}`);
    if (mark === '=') {
      values[name] = value;
      continue;
    }
    const end = rest.indexOf(value);
    if (end === -1) throw new Error(`no ${value} ends the value of ${name}`);
    values[name] = rest
      .splice(0, end + 1)
      .slice(0, -1)
      .join('\n');
  }
  return values;
}

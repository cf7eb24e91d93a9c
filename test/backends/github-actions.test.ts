import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { copyCheckout } from '../rig/checkout.ts';
import { ROOT } from '../rig/cnilab.ts';
import { GithubRunner, type JobResult, type RunnerOptions } from '../rig/github-runner.ts';
import { scratchFolder } from '../rig/scratch.ts';

const ACTIONLINT = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12';
const folder = scratchFolder();
const workflow = (name: string): string => readFileSync(join(ROOT, `.github/workflows/${name}.yml`), 'utf8');

/** The workflow in README, as a user copies it. */
const inReadme = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
  .map(([, text = '']) => text)
  .filter((text) => /^jobs:/m.test(text));

let runners = 0;
/** The packages of this checkout, as hard links, so that a job cannot change those of this checkout. */
const packages = join(folder, 'node_modules');
beforeAll(() => void execFileSync('cp', ['-al', join(ROOT, 'node_modules'), packages]));

/** A runner whose checkouts already have the packages of this one, so that not every job installs them. */
function runner(options: Partial<RunnerOptions> = {}): GithubRunner {
  const own = join(folder, `runner-${(runners += 1)}`);
  mkdirSync(own);
  const checkout = (workspace: string): void => {
    copyCheckout(workspace);
    symlinkSync(packages, join(workspace, 'node_modules'));
    writeFileSync(join(workspace, 'ours.yaml'), OURS);
  };
  return new GithubRunner({ folder: own, checkout, ...options });
}

/** Passes on 1.6.4 and fails on 1.6.3. */
const OURS = `name: ours
summary: A node that has the release of the matrix
matrix: { containerd: [1.6.3, 1.6.4] }
node: { containerd: '\${matrix.containerd}', cni-plugins: none }
steps:
  - exec: [crictl, version]
    expect: { output: { contains: 1.6.4, why: a build adds its own marks } }
`;

const withAction = (inputs: Record<string, string>): string =>
  JSON.stringify({
    jobs: {
      ours: {
        'runs-on': 'ubuntu-24.04',
        outputs: Object.fromEntries(
          ['outcome', 'passed', 'failed', 'inconclusive', 'artifact', 'folder'].map((name) => [
            name,
            `\${{ steps.ours.outputs.${name} }}`,
          ]),
        ),
        steps: [{ uses: 'actions/checkout@0' }, { uses: './', id: 'ours', with: inputs }],
      },
    },
  });

const logOf = ({ steps }: JobResult): string => steps.map(({ name, log }) => `${name}\n${log}`).join('\n');
const first = async (results: Promise<readonly JobResult[]>): Promise<JobResult> => {
  const [result] = await results;
  if (result === undefined) throw new Error('no job has run');
  return result;
};

describe('the action', () => {
  test('in a clean checkout: installs, runs, and uploads the runs with their reports', async () => {
    const clean = runner({
      checkout(workspace) {
        copyCheckout(workspace);
        writeFileSync(join(workspace, 'ours.yaml'), OURS);
      },
    });
    const job = await first(
      clean.runWorkflow(withAction({ scenarios: 'ours.yaml', containerd: '1.6.4', cache: 'false' })),
    );
    expect(job.result, logOf(job)).toBe('success');
    expect(job.outputs).toMatchObject({ outcome: 'pass', passed: '1', failed: '0', inconclusive: '0' });
    const uploaded = join(clean.artifacts, 'cnilab');
    expect(readdirSync(uploaded).sort()).toEqual(['junit.xml', 'report.html', 'results.json', 'runs']);
    expect(readFileSync(join(uploaded, 'junit.xml'), 'utf8')).toContain('ours containerd=1.6.4');
    const recorded = readdirSync(join(uploaded, 'runs'), { recursive: true }) as string[];
    expect(recorded.some((path) => path.endsWith('journal.jsonl'))).toBe(true);
  });

  test('a failed run fails the step, and its runs are uploaded too', async () => {
    const ours = runner();
    const job = await first(
      ours.runWorkflow(
        withAction({ scenarios: 'ours.yaml', artifact: 'ours', args: '--jobs 1\n--timeout 60' }),
      ),
    );
    expect(job.result).toBe('failure');
    expect(job.outputs, logOf(job)).toMatchObject({
      outcome: 'fail',
      passed: '1',
      failed: '1',
      artifact: 'ours',
    });
    expect(existsSync(join(ours.artifacts, 'ours/junit.xml'))).toBe(true);
    expect(logOf(job)).toContain('\n::error file=ours.yaml,line=7,');
    expect(job.summary).toContain('1.6.3');
  });

  test('bad input is an error, and a shell never runs text of inputs', async () => {
    const witness = join(folder, 'witness');
    const ours = runner();
    const inputs = { scenarios: `"$(touch ${witness})"; touch ${witness}`, artifact: '' };
    const job = await first(ours.runWorkflow(withAction(inputs)));
    expect(job.result).toBe('failure');
    expect(job.outputs).toMatchObject({ outcome: 'error', passed: '', artifact: '' });
    expect(existsSync(witness)).toBe(false);
    expect(readdirSync(ours.artifacts)).toEqual([]);
  });

  test('a step whose shell is broken fails its job', async () => {
    const broken = runner({
      checkout(workspace) {
        copyCheckout(workspace);
        const action = readFileSync(join(workspace, 'action.yml'), 'utf8');
        writeFileSync(join(workspace, 'action.yml'), action.replace('mkdir -p "$bin"', 'mkdir -p "$bni"'));
        mkdirSync(join(workspace, 'node_modules'));
        writeFileSync(join(workspace, 'node_modules/.package-lock.json'), '{}');
      },
    });
    const job = await first(broken.runWorkflow(withAction({ scenarios: 'ours.yaml' })));
    expect(job.result).toBe('failure');
    expect(job.steps.filter(({ outcome }) => outcome === 'failure').map(({ name }) => name)).toContain(
      'Install cnilab',
    );
    expect(readdirSync(broken.artifacts)).toEqual([]);
  });
});

test('the workflow in README runs as it is', async () => {
  expect(inReadme).toHaveLength(1);
  const copied = runner();
  const job = await first(copied.runWorkflow(inReadme[0] ?? ''));
  expect(job.result, logOf(job)).toBe('success');
  expect(readdirSync(join(copied.artifacts, 'cnilab')).sort()).toEqual([
    ...['junit.xml', 'report.html', 'results.json', 'runs'],
  ]);
});

test('regression: the shards together run the whole plan, and the report has all of their runs', async () => {
  const two = runner({
    inputs: { scenarios: 'ours.yaml unknown-plugin', shards: 2 },
    leaveOut: ({ with: withs }) => withs['artifact'] === 'cnilab-arm64',
  });
  const results = await two.runWorkflow(workflow('regression'));
  const outcomes = Object.fromEntries(results.map(({ name, result }) => [name, result]));
  const logs = results.map(logOf).join('\n');
  expect(outcomes, logs).toMatchObject({ plan: 'success', merge: 'failure', arm64: 'success' });
  // one of the shards has the failing run of ours.yaml
  expect([outcomes['shard 1/2'], outcomes['shard 2/2']].sort(), logs).toEqual(['failure', 'success']);
  expect(readdirSync(two.artifacts).sort()).toEqual(['cnilab-1-of-2', 'cnilab-2-of-2', 'cnilab-report']);
  const runsOf = (name: string): readonly string[] => {
    const text = readFileSync(join(two.artifacts, name, 'results.json'), 'utf8');
    return (JSON.parse(text) as { runs: { title: string }[] }).runs.map(({ title }) => title);
  };
  const reported = runsOf('cnilab-report');
  expect(reported.length).toBeGreaterThan(2);
  expect([...runsOf('cnilab-1-of-2'), ...runsOf('cnilab-2-of-2')].sort()).toEqual([...reported].sort());
});

test('nightly: the newest releases are found, and the action runs them', async () => {
  const run: Record<string, string>[] = [];
  const results = await runner({
    leaveOut({ uses, with: withs }) {
      if (uses !== './' || withs['command'] === 'install') return false;
      run.push({ ...withs });
      return true;
    },
  }).runWorkflow(workflow('nightly'));
  for (const job of results) expect(job.result, logOf(job)).toBe('success');
  expect(run.map(({ artifact }) => artifact)).toEqual(['cnilab-newest-X64', 'cnilab-newest-ARM64']);
  for (const { containerd, scenarios = '' } of run) {
    expect(containerd).toMatch(/^\d+\.\d+\.\d+(,\d+\.\d+\.\d+){2}$/);
    const planned = spawnSync(
      process.execPath,
      ['bin/cnilab.cjs', 'plan', ...scenarios.split(/\s+/), '--containerd', containerd ?? ''],
      { cwd: ROOT, encoding: 'utf8' },
    );
    expect(planned.stderr).toBe('');
    expect(planned.status).toBe(0);
  }
});

test('actionlint reports nothing, also with released versions of the actions, whose inputs it knows', () => {
  const repository = join(folder, 'linted');
  mkdirSync(join(repository, '.github/workflows'), { recursive: true });
  execFileSync('git', ['init', '--quiet'], { cwd: repository });
  writeFileSync(join(repository, 'action.yml'), readFileSync(join(ROOT, 'action.yml')));
  const lint = (text: string) => {
    writeFileSync(join(repository, '.github/workflows/one.yml'), text);
    return spawnSync('go', ['run', ACTIONLINT, '-no-color'], { cwd: repository, encoding: 'utf8' });
  };
  const byVersion = (text: string): string => text.replaceAll(/@[0-9a-f]{40} # (v\d+)\.\S+/g, '@$1');
  const ours = readdirSync(join(ROOT, '.github/workflows')).map((file) => workflow(file.replace('.yml', '')));
  for (const text of [...ours, ...inReadme])
    for (const one of [text, byVersion(text)])
      expect(lint(one), text).toMatchObject({ stdout: '', status: 0 });
  const broken = lint(byVersion(workflow('check')).replace('node-version:', 'nod-version:'));
  expect(broken.stdout).toContain('input "nod-version" is not defined');
});

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { parseWorkflow } from '@actions/workflow-parser';
import type { parseAction } from '@actions/workflow-parser/actions/action-parser';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { bundleOf } from '../rig/bundle.ts';
import { ROOT } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

/** GitHub's own parser. It is bundled, because Node 20 cannot load it: it imports JSON without an attribute. */
const github = (await import(
  await bundleOf(
    scratchFolder(),
    `export { NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
     export { parseAction } from '@actions/workflow-parser/actions/action-parser';`,
  )
)) as {
  readonly parseWorkflow: typeof parseWorkflow;
  readonly parseAction: typeof parseAction;
  readonly NoOperationTraceWriter: new () => Parameters<typeof parseWorkflow>[1];
};

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

const folder = join(ROOT, '.github/workflows');
const read = (file: string): { name: string; content: string } => ({
  name: file,
  content: readFileSync(join(ROOT, file), 'utf8'),
});
const action = read('action.yml');
const workflows = readdirSync(folder).map((file) => read(`.github/workflows/${file}`));

/** The mistakes that GitHub's own parser finds in a file, by its schema. */
function mistakes(file: typeof action, kind: 'action' | 'workflow'): readonly string[] {
  const readFile = kind === 'action' ? github.parseAction : github.parseWorkflow;
  const { context } = readFile(file, new github.NoOperationTraceWriter());
  return context.errors.getErrors().map(({ message }) => message);
}

const stepsOf = ({ content }: typeof action): readonly Step[] => {
  const { runs, jobs } = parse(content) as {
    runs?: { steps: Step[] };
    jobs?: Record<string, { steps: Step[] }>;
  };
  return [...(runs?.steps ?? []), ...Object.values(jobs ?? {}).flatMap(({ steps }) => steps)];
};

test("action.yml follows GitHub's schema of actions", () => {
  expect(mistakes(action, 'action')).toEqual([]);
  const broken = { ...action, content: action.content.replace('using: composite', 'useing: composite') };
  expect(mistakes(broken, 'action')).not.toEqual([]);
});

describe.each(workflows)('$name', (workflow) => {
  test("follows GitHub's schema of workflows", () => {
    expect(mistakes(workflow, 'workflow')).toEqual([]);
    const broken = { ...workflow, content: workflow.content.replace('runs-on:', 'run-on:') };
    expect(mistakes(broken, 'workflow')).not.toEqual([]);
  });

  test('has only read access to the contents, timeouts, and one run for each branch', () => {
    const { permissions, concurrency, jobs } = parse(workflow.content) as {
      permissions: unknown;
      concurrency: unknown;
      jobs: Record<string, { permissions?: unknown; 'timeout-minutes'?: number }>;
    };
    expect(permissions).toEqual({ contents: 'read' });
    expect(concurrency).toMatchObject({ group: expect.any(String) as string });
    for (const job of Object.values(jobs)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      expect(job.permissions).toBeUndefined();
    }
  });
});

describe.each([action, ...workflows])('$name', (file) => {
  test('pins each external action to a commit, with its version in a comment', () => {
    const used = file.content.split('\n').filter((line) => /\buses:/.test(line) && !/uses: \.\/$/.test(line));
    expect(used.length).toBeGreaterThan(0);
    for (const line of used) expect(line).toMatch(/uses: actions\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('passes values to shells in environment variables, never in their text', () => {
    for (const { run = '' } of stepsOf(file)) expect(run).not.toContain('${{');
  });
});

test('an external action has the same version everywhere', () => {
  const used = [action, ...workflows]
    .flatMap(stepsOf)
    .flatMap(({ uses = './' }) => (uses === './' ? [] : [uses]));
  const names = new Set(used.map((one) => one.replace(/^(actions\/[\w-]+).*@/, '$1@')));
  const repositories = [...names].map((one) => one.split('@')[0]);
  expect(repositories).toEqual([...new Set(repositories)]);
});

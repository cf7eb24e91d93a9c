import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

/** A scenario of one step. */
function scenario(name: string, step: string): string {
  const file = join(folder, `${name}.yaml`);
  const lines = [
    `name: ${name}`,
    `summary: ${name}`,
    'node: { containerd: 1.6.4, cni-plugins: 1.1.1 }',
    'steps:',
  ];
  writeFileSync(file, [...lines, step, ''].join('\n'));
  return file;
}
const passes = scenario('passes', '  - exec: [echo, "<&>\\"\\x01é"]');
const fails = scenario('fails', '  - exec: [echo, "<&>"]\n    expect: { output: "]]>" }');
const isUnknown = scenario('is-unknown', '  - stop-runtime:\n    expect: { left-behind: none }');

test.each([
  [0, [passes]],
  [1, [fails]],
  [69, [isUnknown]],
  [69, [passes, isUnknown]],
  [1, [passes, isUnknown, fails]],
  [2, [passes, join(folder, 'none.yaml')]],
])('exit %i', async (exitCode, files) => {
  const { exitCode: printed } = await cnilab(['run', ...files, '--output', folder]);
  expect(printed).toBe(exitCode);
});

test('--reporter json prints one document on standard output, and nothing else', async () => {
  const { exitCode, stdout, stderr } = await cnilab([
    'run',
    passes,
    fails,
    '--reporter',
    'json',
    '--output',
    folder,
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: 'fail',
    totals: { pass: 1, fail: 1, inconclusive: 0, flaky: 0, notRun: 0 },
    runs: [
      { slug: 'passes', outcome: 'pass' },
      { slug: 'fails', outcome: 'fail' },
    ],
  });
});

test('--reporter junit=FILE is well-formed XML beside the terminal report', async () => {
  const file = join(folder, 'report.xml');
  const { exitCode, stdout } = await cnilab([
    'run',
    passes,
    fails,
    isUnknown,
    '--reporter',
    `junit=${file}`,
    '--output',
    folder,
  ]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('1 passed, 1 failed, 1 inconclusive in ');
  const xml = readFileSync(file, 'utf8');
  expect(elementsOf(xml).filter((name) => name !== 'system-out' && name !== 'testcase')).toEqual([
    'testsuites',
    'testsuite',
    'testsuite',
    'failure',
    'testsuite',
    'error',
  ]);
});

/** The names of all elements in order. Throws if the XML is not well-formed. */
function elementsOf(xml: string): readonly string[] {
  const names: string[] = [];
  const open: string[] = [];
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const token =
    /<(\/?)([a-z-]+)((?:\s+[a-z]+="(?:[^<&"]|&(?:lt|gt|amp|quot|apos|#\d+);)*")*)\s*(\/?)>|((?:[^<&\p{Cc}]|[\t\n]|&(?:lt|gt|amp|quot|apos|#\d+);)+)/uy;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const found = token.exec(body);
    if (found === null) throw new Error(`not well-formed at ${at}: ${body.slice(at, at + 60)}`);
    const [, closes, name = '', , isEmpty] = found;
    if (found[5] !== undefined) continue;
    if (closes === '/') expect(open.pop()).toBe(name);
    else {
      names.push(name);
      if (isEmpty !== '/') open.push(name);
    }
  }
  expect(open).toEqual([]);
  return names;
}

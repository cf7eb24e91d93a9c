import { expect, test } from 'vitest';
import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { scenarioOfNode } from '../../lab/spec/scenario.ts';
import { scenarioOf } from '../spec/read.ts';
import { OPTIONS } from './facts.ts';

/** The step ids of each run, or the mistakes without their lines. */
function planned(steps: string, end = ''): Readonly<Record<string, readonly string[]>> | readonly string[] {
  const text = `name: s
summary: s
matrix: { containerd: [1.6.4, 2.2.6], kind: ['', x] }
node: { containerd: '\${matrix.containerd}' }
steps:
${steps}
${end}`;
  const plan = planScenarios([scenarioOf(text)], OPTIONS);
  if (!plan.ok) return plan.error.map(({ place, message }) => `${place.line}:${place.column} ${message}`);
  return Object.fromEntries(plan.value.runs.map((run) => [run.title, run.steps.map(({ id }) => id)]));
}

test('a step is in the plan of the cells that it is for, and keeps its number', () => {
  const steps = `  - run-pod: web
  - { create-container: { container: app, pod: web, command: [sh] }, when: { containerd: '<2.2.6' } }
  - { exec: ['true'], when: { kind: '' }, expect: { when: { kind: '' }, ok: true } }
  - { start-container: app, when: { containerd: '<2.2.6' } }
  - stop-pod: web`;
  expect(planned(steps)).toEqual({
    "s containerd=1.6.4 kind=''": [
      '1-run-pod',
      '2-create-container',
      '3-exec',
      '4-start-container',
      '5-stop-pod',
    ],
    's containerd=1.6.4 kind=x': ['1-run-pod', '2-create-container', '4-start-container', '5-stop-pod'],
    "s containerd=2.2.6 kind=''": ['1-run-pod', '3-exec', '5-stop-pod'],
    's containerd=2.2.6 kind=x': ['1-run-pod', '5-stop-pod'],
  });
});

test('later steps cannot use what a left-out step would have made', () => {
  const steps = `  - { run-pod: web, when: { containerd: 1.6.4 }, expect: { log: '\${n:number}' } }
  - run-pod: db
    expect: { pods: { web: { state: ready } } }
  - exec: [echo, '\${web.ip}']
  - wait-for: { pod: web, state: ready }
  - { stop-pod: web, when: { containerd: '<2' } }`;
  const why = "for containerd=2.2.6 kind='': the step in line 6 that makes it is not for it";
  expect(planned(steps, "expect: { log: 'x ${n}' }\n")).toEqual([
    `8:13 there is no "web" ${why}`,
    `9:5 there is no "web" ${why}`,
    `10:5 there is no "web" ${why}`,
    '12:16 nothing has captured "n" for containerd=2.2.6 kind=x: the branch that does is not for it',
  ]);
});

test('a step for no cell, and a cell without steps, are mistakes', () => {
  expect(
    planned("  - { run-pod: web, when: { containerd: '<1' } }\n  - { exec: ['true'], when: { kind: x } }"),
  ).toEqual([
    "6:7 this step is for no cell; there are containerd=1.6.4 kind='', containerd=1.6.4 kind=x, containerd=2.2.6 kind='', containerd=2.2.6 kind=x",
    "1:1 no step is left for containerd=1.6.4 kind='', containerd=2.2.6 kind=''",
  ]);
});

test('a node for interactive use needs no steps', () => {
  const place = { file: 'command line', line: 1, column: 1 };
  const byHand = scenarioOfNode({ summary: 's', place, node: {} });
  expect(planScenarios([byHand], OPTIONS)).toMatchObject({
    ok: true,
    value: { runs: [{ title: 'by-hand', steps: [] }] },
  });
});

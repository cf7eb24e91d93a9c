import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CAPTURE_TYPES } from '../../lab/spec/template.ts';
import { STATE_KINDS } from '../../lab/core/node-state.ts';
import { scenarioJsonSchema } from '../../lab/spec/scenario-shape.ts';
import { mistakesOf, scenarioOf } from './read.ts';

const page = readFileSync(fileURLToPath(new URL('../../scenarios/README.md', import.meta.url)), 'utf8');
const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
const files = examples.filter((example) => !example.startsWith('- '));
const steps = examples.filter((example) => example.startsWith('- '));
const isOfCluster = (example: string) => example.startsWith('- apply:');
const HEAD = 'name: s\nsummary: s\n';
const onNode = `${HEAD}node: { containerd: 1.6.4 }\nsteps:\n${steps.filter((one) => !isOfCluster(one)).join('')}`;
const CLUSTER = 'cluster: { kubernetes: 1.24.17, workers: 2, node: { containerd: 1.6.4 } }\n';
const onCluster = `${HEAD}${CLUSTER}steps:\n${steps.filter(isOfCluster).join('')}`;

test.each(files)('an example file in scenarios/README.md is valid (%#)', (example) => {
  expect(mistakesOf(example)).toBe('');
});

test('the example steps of scenarios/README.md, one after the other, are a sound scenario with every step there is', () => {
  expect(mistakesOf(onNode)).toBe('');
  expect(mistakesOf(onCluster)).toBe('');
  const all = [scenarioOf(onNode), scenarioOf(onCluster)].flatMap(({ steps: own }) => own);
  const shown = new Set(all.map(({ action }) => action.do));
  const schema = JSON.stringify(scenarioJsonSchema({ checks: ['ok'] }));
  // the first match is the list for the steps of `parallel`, which does not include `parallel`
  const oneOf = [...schema.matchAll(/"oneOf":(\[\{"required":\["run-pod"\]\}.*?\}\])/g)].at(-1)?.[1];
  const verbs = [...(oneOf ?? '').matchAll(/\["([a-z-]+)"\]/g)].map((match) => match[1]);
  expect([...shown].sort()).toEqual(verbs.sort());
});

test('scenarios/README.md names every kind and every capture type', () => {
  const missing = [...STATE_KINDS, 'shared', ...CAPTURE_TYPES].filter(
    (word) => !page.includes(`\`${word}\``),
  );
  expect(missing).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { parseScenario } from '../../lab/spec/scenario-shape.ts';
import { ALONE } from './read.ts';

const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
const scenarios = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
  .map(([, text = '']) => text)
  .filter((text) => !/^jobs:/m.test(text)); // a workflow, which test/backends/github-actions.test.ts runs

test('the first scenario in README is valid', () => {
  expect(scenarios.length).toBe(1);
  for (const text of scenarios) {
    const parsed = parseScenario({ file: 'README.md', text, ...ALONE });
    expect(parsed.ok ? [] : parsed.error).toEqual([]);
  }
});

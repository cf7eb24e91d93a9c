import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CHECKS } from '../../lab/judge/verdict.ts';
import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { versionFacts } from '../../lab/plan/resolve-component.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { formatScenarioSchema, parseScenario } from '../../lab/spec/scenario-shape.ts';
import { ALONE } from './read.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readdirSync(`${root}scenarios`, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.yaml'),
);

test.each(files)('scenarios/%s is valid, and so is its plan', (file) => {
  const text = readFileSync(`${root}scenarios/${file}`, 'utf8');
  const parsed = parseScenario({ file: `scenarios/${file}`, text, ...ALONE });
  expect(parsed.ok ? [] : parsed.error.map(formatDiagnostic)).toEqual([]);
  if (!parsed.ok) return;
  const facts = versionFacts(readPins({ packageHostPath: root }), {});
  const plan = planScenarios([parsed.value], { facts, cwd: root });
  expect(plan.ok ? [] : plan.error.map(formatDiagnostic)).toEqual([]);
});

test('scenarios/schema.json is what scripts/write-schema.mjs writes', () => {
  expect(readFileSync(`${root}scenarios/schema.json`, 'utf8')).toBe(formatScenarioSchema({ checks: CHECKS }));
});

test('every key of the schema has a description for editors', () => {
  const silent: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [key, inner] of Object.entries(schema)) {
      const isKey = path.endsWith('/properties');
      if (isKey && !(typeof inner === 'object' && inner !== null && 'description' in inner))
        silent.push(`${path}/${key}`);
      walk(inner, `${path}/${key}`);
    }
  };
  walk(JSON.parse(formatScenarioSchema({ checks: CHECKS })), '');
  expect(silent).toEqual([]);
});

/** No scenario can cause these: a node that cannot be taken down, and a control without its expected outcome. */
const WITHOUT_CONTROL = ['cleanup', 'control'];

test('every check has a control that must fail by it', () => {
  const findings = files.flatMap(
    (file) => /\bfinding: ([\w-]+)/.exec(readFileSync(`${root}scenarios/${file}`, 'utf8'))?.[1] ?? [],
  );
  expect([...new Set(findings)].sort()).toEqual(
    CHECKS.filter((check) => !WITHOUT_CONTROL.includes(check)).sort(),
  );
});

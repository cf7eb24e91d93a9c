import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Which part of lab/ may import which. To change the architecture is to change this table, in the open. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'anything'>> = {
  core: [],
  host: ['core'],
  spec: ['core'],
  observe: ['core'],
  plan: ['core', 'spec'],
  artifacts: ['core', 'host', 'plan'],
  nodes: ['core', 'host', 'plan', 'artifacts'],
  steps: ['core', 'spec', 'plan', 'nodes', 'observe', 'artifacts', 'match'],
  match: ['core', 'spec', 'observe'],
  judge: ['core', 'spec', 'plan', 'observe', 'match'],
  'events.ts': ['observe', 'judge', 'plan'],
  report: ['core', 'spec', 'plan', 'observe', 'judge', 'events.ts'],
  cli: 'anything',
  library: [
    'core',
    'spec',
    'plan',
    'nodes',
    'steps',
    'observe',
    'match',
    'judge',
    'events.ts',
    'cli',
    'ambient.ts',
  ],
  'index.ts': ['core', 'spec', 'nodes', 'library'],
  'vitest.ts': ['library'],
  'ambient.ts': ['core', 'cli', 'host', 'report'],
  'record.ts': 'anything',
  'run.ts': 'anything',
  'session.ts': 'anything',
  'main.ts': 'anything',
};

const lab = fileURLToPath(new URL('../lab/', import.meta.url));
const files = readdirSync(lab, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const partOf = (file: string): string => file.split('/')[0] ?? '';

/** Files of lab/ that a file imports: statically, as a type, by `import()` or by `export … from`. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(lab + file, 'utf8');
  const paths = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return paths.map((path) => posix.join(posix.dirname(file), path));
}

test('every part of lab/ stands in the table, and nothing else does', () => {
  expect([...new Set(files.map(partOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

test('imports go one way', () => {
  const wrong = files.flatMap((file) => {
    const allowed = MAY_IMPORT[partOf(file)] ?? [];
    if (allowed === 'anything') return [];
    return importsOf(file)
      .filter((path) => partOf(path) !== partOf(file) && !allowed.includes(partOf(path)))
      .map((path) => `lab/${file} imports lab/${path}`);
  });
  expect(wrong).toEqual([]);
});

import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Which part of lab/ may import which. A change of the architecture has to change this table. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'anything'>> = {
  core: [],
  host: ['core'],
  spec: ['core'],
  observe: ['core'],
  match: ['core', 'spec'],
  plan: ['core', 'spec'],
  artifacts: ['core', 'host', 'plan'],
  nodes: ['core', 'host', 'plan', 'artifacts'],
  'nodes/backends': ['core', 'host', 'plan', 'artifacts', 'nodes'],
  'nodes/runtimes': ['core'],
  steps: ['core', 'spec', 'plan', 'nodes', 'observe', 'artifacts', 'match'],
  judge: ['core', 'spec', 'plan', 'observe', 'match'],
  update: ['core', 'spec', 'plan', 'observe', 'judge'],
  'events.ts': ['observe', 'judge', 'plan'],
  report: ['core', 'spec', 'plan', 'observe', 'judge', 'events.ts', 'report/html/client'],
  'report/html/client': ['core'], // it runs in a browser: the bundle rejects Node's modules
  assembly: [
    ...['core', 'host', 'spec', 'observe', 'plan', 'artifacts', 'nodes', 'nodes/backends', 'nodes/runtimes'],
    ...['steps', 'judge', 'report', 'events.ts'],
  ],
  library: [
    ...['core', 'spec', 'plan', 'nodes', 'steps', 'observe', 'match', 'judge', 'events.ts', 'assembly'],
  ],
  cli: [
    'core',
    'host',
    'spec',
    'plan',
    'nodes',
    'judge',
    'update',
    'report',
    'assembly',
    'record.ts',
    'session.ts',
  ],
  'index.ts': ['core', 'spec', 'nodes', 'library'],
  'vitest.ts': ['library'],
  'record.ts': ['core', 'host', 'observe', 'plan', 'nodes', 'judge'],
  'retries.ts': ['core', 'judge', 'plan', 'report', 'events.ts'],
  'run-group.ts': ['artifacts', 'core', 'nodes', 'plan'],
  'run-queue.ts': ['plan'],
  'run.ts': 'anything',
  'session.ts': 'anything',
  'main.ts': 'anything',
};

/** Parts inside another one. Everything in such a folder belongs to this part only. */
const INNER_PARTS = Object.keys(MAY_IMPORT).filter((part) => part.includes('/'));

const lab = fileURLToPath(new URL('../lab/', import.meta.url));
const files = readdirSync(lab, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
const partOf = (file: string): string =>
  INNER_PARTS.find((part) => file.startsWith(`${part}/`)) ?? file.split('/')[0] ?? '';

/** Files of lab/ that a file imports: statically, as a type, with `import()` or with `export … from`. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(lab + file, 'utf8');
  const paths = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return paths.map((path) => posix.join(posix.dirname(file), path));
}

/**
 * Files that may name one runtime, besides its own part, lab/artifacts (where each component comes from) and
 * comments.
 */
const MAY_SAY_CONTAINERD: Readonly<Record<string, string>> = {
  'lab/core/components.ts': 'the names of components',
  'lab/assembly/runtimes.ts': 'which runtimes there are',
  'lab/assembly/world.ts': 'flags that are called as components are',
  'lab/assembly/plan-files.ts': 'flags that are called as components are',
  'lab/cli/program.ts': 'the same',
  'lab/cli/help.ts': 'the same, in examples',
  'lab/cli/up.ts': 'the same',
  'lab/cli/update.ts': 'the same',
  'lab/library/runtime-node.ts': 'withContainerd',
  'lab/spec/node-shape.ts': 'the key of a node, and the former name of another',
  'lab/spec/step-shape.ts': 'words that are no verbs',
  'images/node-tools/internal/registry/archive.go': 'an annotation of images, whose name begins so',
  'images/node-tools/cmd/crictl/main.go': 'its help',
  'images/node-tools/internal/root/etc.go': 'what a host may have in /etc, of any runtime',
};

/** A TypeScript or Go source without its comments. */
const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

test('code above the runtimes does not ask which one it is, in TypeScript and in Go', () => {
  const root = fileURLToPath(new URL('../', import.meta.url));
  const sources = [
    ...files.map((file) => `lab/${file}`),
    ...readdirSync(`${root}images/node-tools`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.go') && !file.endsWith('_test.go'))
      .map((file) => `images/node-tools/${file}`),
  ];
  const saying = sources.filter(
    (file) =>
      !/^lab\/(?:nodes\/runtimes|artifacts)\//.test(file) &&
      /containerd/i.test(codeOf(readFileSync(root + file, 'utf8'))),
  );
  expect(saying.sort()).toEqual(Object.keys(MAY_SAY_CONTAINERD).sort());
});

test('the table has every part of lab/, and nothing else', () => {
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

test('a test file that compares the host before and after runs alone', () => {
  const tests = fileURLToPath(new URL('./', import.meta.url));
  const besideOthers = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith('.alone.test.ts'))
    .filter((file) => /from '[./]*rig\/(?:host-state|settled)\.ts'/.test(readFileSync(tests + file, 'utf8')));
  expect(besideOthers).toEqual([]);
});

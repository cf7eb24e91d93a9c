import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter(Boolean);
const documents = tracked.filter((file) => file.endsWith('.md'));
const sources = tracked.filter((file) => /\.(ts|mjs|cjs|go)$/.test(file) || file === '.ci/run');

/**
 * A path of one of our files: at least one folder, and one of our extensions. Not part of a URL, an import or a path
 * on a node.
 */
const PATH = /(?<![\w./:*${}<-])(?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|cjs|go|md|ya?ml|sh)(?![\w/])/g;
/** The name of a file in the same folder. */
const NAME = /(?<![\w./:*${}<-])[\w-]+\.(?:ts|go|mjs)(?![\w/])/g;

const comment = (file: string, text: string): string =>
  [...text.matchAll(/^\s*(?:\/\/|#|\/?\*\*?)(.*)$|\s\/\/ (.*)$|\/\*\*(.*)\*\//gm)]
    .map(([, ...parts]) => parts.join(' '))
    .join('\n');

/** Folders that a name may be relative to: the repository, lab/, the file's own folder and the folders above it. */
function exists(path: string, from: string): boolean {
  const folders = ['.', 'lab', 'images/node-tools'];
  for (let folder = dirname(from); folder !== '.'; folder = dirname(folder)) folders.push(folder);
  return folders.some((folder) => existsSync(join(root, folder, path)));
}

test('every file of ours that a document or a comment names exists', () => {
  const missing = [...documents, ...sources].flatMap((file) => {
    const whole = readFileSync(join(root, file), 'utf8');
    const text = file.endsWith('.md') ? whole : comment(file, whole);
    const names = [...(text.match(PATH) ?? []), ...(file.endsWith('.md') ? [] : (text.match(NAME) ?? []))];
    return (
      names
        // ./x.sh is an example of users' files, and a build makes the others
        .filter((name) => !/^(?:\.|dist)\//.test(name) && !exists(name, file))
        .map((name) => `${file} names ${name}`)
    );
  });
  expect(missing).toEqual([]);
});

test('no file has the marks of an unfinished merge', () => {
  const unfinished = tracked.filter((file) =>
    /^(?:<{7} |>{7} )/m.test(readFileSync(join(root, file), 'latin1')),
  );
  expect(unfinished).toEqual([]);
});

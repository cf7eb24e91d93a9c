import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { candidates, completionCommand, SHELLS } from '../../lab/cli/completion.ts';
import { createProgram } from '../../lab/cli/program.ts';
import { ROOT } from '../rig/cnilab.ts';
import { fakeWorld } from '../rig/fake-world.ts';

const names = {
  scenarios: () => Promise.resolve(['missing-version', 'mine', 'other']),
  nodes: ({ kept }: { kept: boolean }) => Promise.resolve(kept ? ['lab-kept'] : ['lab-kept', 'lab-busy']),
};
const completed = async (...words: string[]): Promise<readonly string[]> =>
  (
    await candidates(
      createProgram(fakeWorld(), () => undefined),
      words,
      names,
    )
  ).map(([word]) => word);

test.each([
  [['comp'], ['completion']],
  [['--no'], ['--no-color']],
  [
    ['run', 'mi'],
    ['missing-version', 'mine'],
  ],
  [['run', 'mine', 'mi'], ['missing-version']],
  [['run', '--verbose', '--jobs', '3', 'o'], ['other']],
  [
    ['run', '--ba'],
    ['--bail', '--backend', '--base'],
  ],
  [
    ['run', '--backend', ''],
    ['auto', 'bare', 'container', 'vm', 'kind'],
  ],
  [
    ['run', '--re'],
    ['--reporter', '--repeat', '--retries', '--record'],
  ],
  [['run', '--retries', ''], []],
  [['run', '--output', ''], []], // a file name
  [['plan', 'o'], ['other']],
  [['list', 'o'], ['other']],
  [['fetch', 'o'], ['other']],
  [['parity', 'o'], ['other']],
  [['judge', ''], []],
  [
    ['enter', ''],
    ['lab-kept', 'lab-busy'],
  ],
  [['enter', 'lab-kept', ''], []],
  [['down', ''], ['lab-kept']],
  [
    ['versions', 'c'],
    ['containerd', 'crio', 'cni-plugins', 'crictl'],
  ],
  [['versions', 'runc', 'c'], []],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['no-such-command', ''], []],
])('%j may go on with %j', async (words, expected) => {
  expect(await completed(...words)).toEqual(expected);
});

const scriptFor = (shell: (typeof SHELLS)[number]): string => {
  const world = fakeWorld();
  completionCommand(world, shell);
  return world.written.out;
};

const missing = (shell: string): string | false =>
  spawnSync(shell, ['-c', 'true']).error === undefined ? false : `${shell} is not installed`;

for (const shell of SHELLS) {
  test(`the script for ${shell} is valid`, ({ skip }) => {
    const reason = missing(shell);
    if (reason !== false) return skip(reason);
    expect(spawnSync(shell, ['-n'], { input: scriptFor(shell), encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });
}

test('the script works in bash', ({ skip }) => {
  const reason = missing('bash');
  if (reason !== false) return skip(reason);
  const press = (...words: string[]): string => {
    const printed = execFileSync(
      'bash',
      [
        '--norc',
        '-c',
        `${scriptFor('bash')}
      COMP_WORDS=(cnilab "\${@:2}"); COMP_CWORD=$(( $# - 1 ))
      _cnilab "$1"; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        `${ROOT}/bin/cnilab.cjs`,
        ...words,
      ],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    return printed.trim().split('\n').join(' ');
  };
  expect(press('do')).toBe('doctor down');
  expect(press('run', 'missing-')).toBe('missing-version');
  expect(press('run', '--verbose', '--backend', 'v')).toBe('vm');
  expect(press('run', 'no-such-scenario')).toBe('');
});

test('the script works in fish', ({ skip }) => {
  const reason = missing('fish');
  if (reason !== false) return skip(reason);
  const script = scriptFor('fish').replaceAll('    cnilab complete', `    ${ROOT}/bin/cnilab.cjs complete`);
  const printed = execFileSync(
    'fish',
    ['--no-config', '-c', `${script}\ncomplete -C 'cnilab run missing-v'`],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  expect(printed).toContain('missing-version\tscenario');
});

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { startEngine } from '../rig/engine.ts';
import { qemuForTests } from '../rig/qemu.ts';
import { scratchFolder } from '../rig/scratch.ts';

// A sample, so that CI has an end: `npm run parity` runs all cells on all backends. A cell in an emulated machine takes ten to
// twenty seconds, one in a container about one.
const output = scratchFolder();
interface Listed {
  readonly name: string;
  readonly file: string;
  readonly must: string;
}

const HOUR_MS = 60 * 60_000;

async function parity(words: readonly string[], env: Readonly<Record<string, string>>) {
  const { exitCode, stdout, stderr } = await cnilab(['parity', ...words, '--output', output], { env });
  return { exitCode, stderr, said: stdout.trim().split('\n').slice(-10).join('\n') };
}

test(
  'two versions of every scenario and every control show the same on bare and in a container',
  { timeout: HOUR_MS },
  async () => {
    await using engine = await startEngine('docker-26.1');
    const ended = await parity(['--sample', '2', '--only', 'bare', '--only', 'container'], {
      DOCKER_HOST: engine.url,
    });
    expect(ended.said).toMatch(/^\d+ runs on bare, container: all showed the same$/m);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  },
);

test(
  'one version of each scenario outside of field/ shows the same on bare and in a virtual machine',
  { timeout: HOUR_MS },
  async () => {
    const listed = JSON.parse((await cnilab(['list', '--json'])).stdout) as Listed[];
    const scenarios = listed
      .filter(({ must, file }) => must === 'pass' && !file.includes('/field/'))
      .map(({ name }) => name);
    const ended = await parity([...scenarios, '--sample', '1', '--only', 'bare', '--only', 'vm'], {
      CNILAB_QEMU: await qemuForTests(),
    });
    expect(ended.said).toMatch(/^\d+ runs on bare, vm: all showed the same$/m);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  },
);

import { expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import { CannotStart, LabError } from '../../lab/core/lab-error.ts';
import { startFailure, StartFailed } from '../../lab/nodes/node-runtime.ts';
import { result } from '../rig/recorded-run.ts';

const refuses = async (argv: readonly string[]) =>
  result(argv, { exitCode: 2, stderr: 'Error: Unknown device type.\n' });
const grants = async (argv: readonly string[]) => result(argv);

const failure = (log: string, ask = grants): Promise<LabError> =>
  startFailure('it ended with 1', { runtime: RUNTIMES.containerd, log, ask });

test('a containerd that exits has failed to start, with the lines that give the reason', async () => {
  const failed = await failure('containerd: no such key\n');
  expect(failed).toBeInstanceOf(StartFailed);
  expect(failed.message).toBe('it ended with 1\nits log says\ncontainerd: no such key');
});

test('a containerd that the node cannot execute or has no room for has not failed', async () => {
  const library = '/usr/local/bin/containerd: error while loading shared libraries: libx.so.1: cannot open';
  expect(await failure(`${library}\n`)).toEqual(
    new CannotStart(`containerd cannot be executed here: ${library}`),
  );
  const monitor =
    'time="2026-11-28T15:11:05.9Z" level=fatal msg="validating runtime config: monitor fields translation: failed to translate monitor fields for runtime runc: get conmon version: exit status 127"';
  expect(
    await startFailure('it ended with 1', { runtime: RUNTIMES.crio, log: `${monitor}\n`, ask: grants }),
  ).toEqual(new CannotStart(`crio cannot be executed here: ${monitor}`));
  for (const said of [
    'write /var/lib/containerd/meta.db: no space left on device',
    'fork: cannot allocate memory',
    'failed to create CRI service: failed to create fsnotify watcher: too many open files',
  ]) {
    const failed = await failure(`containerd: ${said}\n`);
    expect(failed).not.toBeInstanceOf(StartFailed);
    expect(failed.message).toMatch(/^the node has no room for containerd: .*/);
  }
});

test('a containerd whose kernel lacks a feature has not failed; if the kernel has the feature, it has failed', async () => {
  const said = 'containerd: failed to create ipvlan: operation not supported\n';
  const lacked = await failure(said, refuses);
  expect(lacked).not.toBeInstanceOf(StartFailed);
  expect(lacked.message).toMatch(
    /^the kernel of the node does not have ipvlan, without which it ended with 1/,
  );
  expect(await failure(said)).toBeInstanceOf(StartFailed);
});

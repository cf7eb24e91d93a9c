import { afterAll, expect, test } from 'vitest';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { causeOf } from '../../scripts/critest/causes.ts';
import { runCritest } from '../../scripts/critest/run-critest.ts';

const stop = new AbortController();
afterAll(() => stop.abort());

/** Every spec that failed, and every reason to skip, of a whole run on a bare node. */
async function resultsOf(containerd: string) {
  const run = await runCritest(ambientWorld(), {
    containerd,
    flags: { backend: 'bare' },
    focus: [],
    skip: [],
    onLine: () => undefined,
    signal: stop.signal,
  });
  const failed = run.specs.filter(({ outcome }) => outcome === 'failed');
  return {
    specs: run.specs.length,
    leftOut: run.leftOut.length,
    failed: failed.map(({ name, message }) =>
      causeOf(name, run)?.startsWith('containerd: ') === true
        ? name
        : `not containerd's: ${name}: ${message}`,
    ),
    skipped: [
      ...new Set(
        run.specs.filter(({ outcome }) => outcome === 'skipped').map(({ message }) => message.split(':')[0]),
      ),
    ].sort(),
  };
}

test(
  'critest has no failure that is the node’s, and of containerd those that are known',
  { timeout: 900_000 },
  async () => {
    const [oldest, newest] = await Promise.all([resultsOf('1.6.4'), resultsOf('2.4.2')]);
    const specs = { specs: 115, leftOut: 2 };
    const kernel = 'AppArmor is disabled on this host';
    expect(newest).toEqual({ ...specs, failed: [], skipped: [kernel] });
    expect({ ...oldest, failed: oldest.failed.sort() }).toEqual({
      ...specs,
      failed: [
        '[k8s.io] Idempotence StopContainer should not return an error if not found',
        '[k8s.io] Idempotence StopPodSandbox should not return an error if not found',
      ],
      skipped: [
        kernel,
        'ContainerStatus.image_id is empty; runtime does not seem to implement CRI API image_id correctly yet',
        'The runtime does not support SupplementalGroupsPolicy feature',
        'no runtime handler found which supports user namespaces',
        'runtime does not implement recursive readonly mounts',
      ],
    });
  },
);

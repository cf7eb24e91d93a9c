import { afterAll, expect, test } from 'vitest';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import type { World } from '../../lab/assembly/world.ts';
import type { BackendName } from '../../lab/nodes/node.ts';
import { causeOf } from '../../scripts/critest/causes.ts';
import type { SpecReport } from '../../scripts/critest/report.ts';
import { runCritest, type CritestOptions } from '../../scripts/critest/run-critest.ts';
import { vmLab } from '../rig/vm-lab.ts';

const stop = new AbortController();
afterAll(() => stop.abort());

interface Chosen {
  readonly runtime: CritestOptions['runtime'];
  readonly backend?: BackendName;
  readonly focus?: readonly string[];
}

/**
 * Every spec that failed, and every reason to skip. What fails without a known cause is tried again: many specs have a
 * time limit of their own, and other tests run at the same time. What then passes was not the node's fault.
 */
async function resultsOf(world: World, { runtime, backend = 'bare', focus = [] }: Chosen) {
  const critest = (chosen: readonly string[]) =>
    runCritest(world, {
      runtime,
      flags: { backend },
      focus: chosen,
      skip: [],
      onLine: () => undefined,
      signal: stop.signal,
    });
  const run = await critest(focus);
  const failed = run.specs.filter(({ outcome }) => outcome === 'failed');
  const isKnown = ({ name }: SpecReport) => causeOf(name, run)?.startsWith(`${runtime.name}: `) === true;
  const unknown = failed.filter((spec) => !isKnown(spec));
  const again = unknown.length === 0 ? [] : (await critest(unknown.map(({ name }) => literal(name)))).specs;
  const passes = ({ name }: SpecReport) =>
    again.some((spec) => spec.name === name && spec.outcome === 'passed');
  for (const { name, message } of unknown) process.stderr.write(`failed at first: ${name}: ${message}\n`);
  return {
    specs: run.specs.length,
    leftOut: run.leftOut.length,
    failed: [
      ...failed.filter(isKnown).map(({ name }) => name),
      ...unknown
        .filter((spec) => !passes(spec))
        .map(({ name, message }) => `not ${runtime.name}'s: ${name}: ${message}`),
    ],
    skipped: [
      ...new Set(
        run.specs.filter(({ outcome }) => outcome === 'skipped').map(({ message }) => message.split(':')[0]),
      ),
    ].sort(),
  };
}

/** What chooses only this spec; Ginkgo puts the name of the suite before it. */
const literal = (name: string): string => `${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}$`;

test(
  'critest has no failure caused by the node, and only known failures of containerd',
  { timeout: 900_000 },
  async () => {
    const [oldest, newest] = await Promise.all([
      resultsOf(ambientWorld(), { runtime: { name: 'containerd', version: '1.6.4' } }),
      resultsOf(ambientWorld(), { runtime: { name: 'containerd', version: '2.4.2' } }),
    ]);
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

test(
  'on CRI-O a sample passes: the whole of critest takes three minutes and is run by hand',
  { timeout: 900_000 },
  async () => {
    const results = await resultsOf(ambientWorld(), {
      runtime: { name: 'crio', version: '1.34.0' },
      focus: ['Idempotence', 'Privileged is true', 'ALL capabilities'],
    });
    expect(results).toEqual({ specs: 10, leftOut: 2, failed: [], skipped: [] });
  },
);

// one of nine, as each takes ten seconds on an idle host; it fails if the profile is not enforced
test('in a virtual machine a spec about AppArmor runs and passes', { timeout: 900_000 }, async () => {
  const { env } = await vmLab();
  const world = { ...ambientWorld(), env: { ...process.env, ...env } };
  const results = await resultsOf(world, {
    runtime: { name: 'containerd', version: '2.4.2' },
    backend: 'vm',
    focus: ['AppArmor runtime should support apparmor field should enforce a apparmor_profile'],
  });
  expect(results).toEqual({ specs: 1, leftOut: 2, failed: [], skipped: [] });
});

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import { createExec } from '../../lab/host/exec.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { vmLab } from '../rig/vm-lab.ts';

const output = scratchFolder();
let lab: Awaited<ReturnType<typeof vmLab>>;

beforeAll(async () => {
  lab = await vmLab();
});

/** A kernel as a user has it: a file, and the folder of its modules. */
async function filesOfOurKernel() {
  const world = ambientWorld();
  const artifacts = openArtifacts(world, { pins: readPins(world), flags: {}, emit: () => undefined });
  const { hostPath } = await artifacts.ensureOwn('vm-kernel', new AbortController().signal);
  const exec = createExec({ env: process.env });
  await exec(['tar', '--extract', '--file', join(hostPath, 'modules.tar'), '--directory', output]);
  const release = readdirSync(output).find((name) => /-cloud-/.test(name)) ?? 'none';
  return { release, kernel: `local:${join(hostPath, 'vmlinuz')},${join(output, release)}` };
}

/**
 * Runs a scenario that expects this output of `uname -r` and takes a pod through its life. The pod's network needs
 * kernel modules.
 */
async function runOn(kernel: string, expected: string) {
  const file = join(output, 'kernel.yaml');
  const conflist = `{ cniVersion: 1.0.0, name: net, plugins: [{ type: bridge, bridge: cni0, ipam: { type: host-local, subnet: 10.88.0.0/16 } }] }`;
  writeFileSync(
    file,
    `name: kernel
summary: A pod on a kernel
node: { containerd: 1.6.3, cni-plugins: 1.1.1, cni-config: { 10-net.conflist: ${conflist} } }
steps:
  - exec: [uname, -r]
    expect: { output: ${expected} }
  - run-pod: web
  - stop-pod: web
  - remove-pod: web
expect: { left-behind: none }
`,
  );
  return lab.cnilab(['run', file, '--backend', 'vm', '--kernel', kernel, '--output', output]);
}

test('a user’s own kernel, a file with a folder of modules, runs a node', async () => {
  const { release, kernel } = await filesOfOurKernel();
  const { exitCode, stdout, stderr } = await runOn(kernel, release);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^1 passed in /m);
});

test('a kernel of another suite runs a node', async () => {
  const { exitCode, stdout, stderr } = await runOn('trixie', '{ contains: +deb13-cloud-, why: its version }');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^1 passed in /m);
});

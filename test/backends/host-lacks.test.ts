import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

const scenario = (name: string, steps: string) => {
  writeFileSync(
    join(folder, `${name}.yaml`),
    `name: ${name}
summary: What the lab or its host lacks is not the doing of the system under test
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 0.3.1
      name: net
      plugins: [{ type: ipvlan, master: parent0, ipam: { type: host-local, subnet: 10.88.0.0/24 } }]
steps:
${steps}`,
  );
  return `${name}.yaml`;
};

/** 1.25.0 is not available as a Go module, so without its release the lab's own crictl is used. */
const withOwnCrictl = ['--sources', 'local,gomod,debian', '--crictl', '1.25.0'];

test('a verb or flag that only the official crictl has does not count as a failure', async () => {
  const steps = `  - exec: [crictl, stats]
    expect: { ok: false }
  - exec: [sh, -c, 'crictl ps --resolve-image-path || exit 5']
    expect: { exit-code: 5 }
  - wait-for: { command: [crictl, statsp] }
    expect: { ok: false }
  - exec: [crictl, no-such-verb]
    expect: { exit-code: 3 }
`;
  const { exitCode, stdout } = await cnilab(['run', ...withOwnCrictl, scenario('crictl', steps)], {
    cwd: folder,
  });
  const lacking = (what: string) =>
    `the step could not be taken: this crictl is cnilab's own and has no ${what}; take an official one: ` +
    '`crictl: release:1.25.0`, or `crictl: local:PATH`, in the file, or --crictl\n';
  expect(exitCode).toBe(69);
  expect(stdout).toContain(`1-exec: ${lacking('"stats"')}`);
  expect(stdout).toContain(`2-exec: ${lacking('flag -resolve-image-path for "ps"')}`);
  expect(stdout).toContain(`3-wait-for: ${lacking('"statsp"')}`);
  expect(stdout).not.toContain('4-exec');
});

test("a containerd whose API the lab's own crictl does not support makes a run inconclusive, not failed", async () => {
  const log =
    "{ message: { contains: RunPodSandbox, why: 'nothing asked for a pod where the step was not taken' } }";
  const file = scenario('api', `  - run-pod: web\n    expect: { ok: false, log: ${log} }\n`);
  const { exitCode, stdout } = await cnilab(['run', ...withOwnCrictl, '--containerd', '1.6.4,2.4.2', file], {
    cwd: folder,
  });
  expect(exitCode).toBe(69);
  expect(stdout).toContain(
    "1-run-pod: the step could not be taken: this crictl is cnilab's own and has no CRI v1; take an official one",
  );
  expect(stdout).toMatch(/^pass +api containerd=1\.6\.4/m);
  expect(stdout).toMatch(/^inconclusive +api containerd=2\.4\.2/m);
});

const kernelHas = (kind: string) =>
  spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'cnilab0', 'type', kind]).status === 0;

test.skipIf(kernelHas('dummy'))(
  'a feature that the kernel lacks does not count as a failure of a plugin',
  async () => {
    const parent = `  - run-pod: web
    expect: { error: { contains: 'Link not found', why: 'the parent is not there yet, which is not the kernel' } }
  - exec: [ip, link, add, parent0, type, veth, peer, name, wire0]
`;
    const ipvlan = `  - run-pod: web
    expect: { ok: false }
  - run-pod: other
`;
    const dummy = `  - exec: [ip, link, add, dummy0, type, dummy]
    expect: { error: "Error: Unknown device type." }
`;
    const { exitCode, stdout } = await cnilab(
      ['run', scenario('plugin', parent + ipvlan), scenario('command', dummy)],
      { cwd: folder },
    );
    const during = 'the run did not come to its end: during the steps: the kernel of ';
    expect(exitCode).toBe(69);
    expect(stdout).toMatch(
      new RegExp(
        `3-run-pod: ${during}\\S+ does not have ipvlan, without which this fails: crictl runp .*--backend vm`,
      ),
    );
    expect(stdout).toMatch(
      new RegExp(`1-exec: ${during}\\S+ does not have dummy, without which this fails: ip link add`),
    );
    expect(stdout).not.toContain('fail ');
    expect((await cnilab(['doctor'])).stdout).toMatch(/^-- {2}kernel +has no .*\bdummy\b/m);
  },
);

test.skipIf(!existsSync('/dev/net/tun'))(
  'a node has the device from which plugins make tap devices',
  async () => {
    const steps = `  - exec: [ip, tuntap, add, tap0, mode, tap]
    expect: { left-behind: { link: [tap0] } }
`;
    const { exitCode, stdout } = await cnilab(['run', scenario('tap', steps)], { cwd: folder });
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('pass  tap')]);
  },
);

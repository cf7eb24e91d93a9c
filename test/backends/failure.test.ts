import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { cnilab, type Finished } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

/** The expected outcome of each scenario, with the finding that explains it. All of them run in one session. */
const KILL = `for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = containerd ] && kill -9 "$(basename $p)"; done`;
const BRIDGE = `  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 0.4.0
      name: net
      plugins: [{ type: bridge, bridge: cni0, isGateway: true, ipam: { type: host-local, subnet: 10.88.0.0/16 } }]
`;
const FIRST_DEL_FAILS = `  - fake-plugin:
      plugin: bridge
      script: |
        #!/bin/sh
        [ -e /tmp/one ] && exit 0
        touch /tmp/one; echo '{ "cniVersion": "0.4.0", "code": 100, "msg": "no" }'; exit 1
`;

interface Case {
  readonly node?: string;
  /** each value is one run */
  readonly times?: number;
  readonly steps: string;
  readonly comes: string;
}

const CASES: Readonly<Record<string, Case>> = {
  'crash-exit-code': {
    times: 5,
    steps: `  - exec: [sh, -c, '${KILL}; exit 0']\n    expect: { exit-code: 0 }\n`,
    comes: 'fail runtime 1-exec containerd ended by itself (SIGKILL), expected running',
  },
  'crash-error': {
    times: 5,
    steps: `  - exec: [sh, -c, '${KILL}; echo boom >&2; exit 1']\n    expect: { error: boom }\n`,
    comes: 'fail runtime 1-exec containerd ended by itself (SIGKILL), expected running',
  },
  'crash-later': {
    times: 5,
    steps: `  - exec: [sh, -c, '(sleep 0.4; ${KILL}) >/dev/null 2>&1 & true']\n`,
    comes: 'fail runtime 1-exec containerd ended by itself (SIGKILL), expected running',
  },
  'line-later': {
    times: 5,
    steps: `  - exec: [sh, -c, '(sleep 0.4; crictl stopp ${'0'.repeat(64)}) >/dev/null 2>&1 & true']
expect: { no-log: { level: error, message: { contains: StopPodSandbox, why: any of them } } }
`,
    comes: 'fail no-log end a line is in the log of containerd that must not be there',
  },
  'crash-expected': {
    steps: `  - exec: [sh, -c, '${KILL}; exit 0']\n    expect: { ok: true, runtime: ended }\n`,
    comes: 'pass',
  },
  'listed-blind': {
    steps: '  - kill-runtime:\n  - stop-listed-pods:\n',
    comes: 'inconclusive ran 2-stop-listed-pods the step could not be taken: containerd does not run',
  },
  'not-running': {
    node: BRIDGE,
    steps: '  - run-pod: web\n  - kill-runtime:\n  - stop-pod: web\n    expect: { ok: false }\n',
    comes: 'inconclusive ran 3-stop-pod the step could not be taken: containerd does not run',
  },
  'listed-exit-code': {
    node: BRIDGE,
    steps: `  - run-pod: a\n  - run-pod: b\n${FIRST_DEL_FAILS}  - stop-listed-pods:\n    expect: { exit-code: 0 }\n`,
    comes: 'fail exit-code 4-stop-listed-pods ended with 1, expected 0: crictl stopp ID',
  },
  'listed-error': {
    node: BRIDGE,
    steps: `  - run-pod: a\n  - run-pod: b\n${FIRST_DEL_FAILS}  - stop-listed-pods:
    expect: { error: 'failed to destroy network for sandbox "\${listed.id}": plugin type="bridge" failed (delete): no' }
`,
    comes: 'fail error 4-stop-listed-pods succeeded, expected an error: crictl stopp ID',
  },
  'time-out': {
    steps: "  - exec: [sleep, '10']\n    timeout: 300ms\n    expect: { timed-out: true }\n",
    comes: 'pass',
  },
  'time-out-of-a-wait': {
    steps: "  - wait-for: { command: [sleep, '10'] }\n    timeout: 300ms\n    expect: { ok: false }\n",
    comes: 'fail timed-out 1-wait-for waiting for sleep 10 to succeed did not end within N ms',
  },
  'no-program': {
    steps: '  - exec: [no-such-program]\n    expect: { ok: false }\n',
    comes:
      'inconclusive ran 1-exec the step could not be taken: there is no program "no-such-program" on the node (PATH is /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)',
  },
  'no-program-to-wait-for': {
    steps: '  - wait-for: { command: [/no/such/program] }\n    timeout: 300ms\n    expect: { ok: false }\n',
    comes:
      'inconclusive ran 1-wait-for the step could not be taken: could not run /no/such/program: no such file or directory',
  },
  'blind-wait': {
    steps:
      '  - kill-runtime:\n  - wait-for: { network-ready: true }\n    timeout: 300ms\n    expect: { ok: false }\n',
    comes:
      'inconclusive ran 2-wait-for the step could not be taken: nobody could see the network to be ready: /run/containerd/containerd.sock: connection refused',
  },
  'runs-already': {
    steps: '  - start-runtime:\n    expect: { ok: false }\n',
    comes: 'inconclusive ran 1-start-runtime the step could not be taken: containerd runs already',
  },
  'netns-is-gone': {
    node: BRIDGE,
    steps:
      "  - run-pod: web\n  - stop-pod: web\n  - connect: { from: web, to: '10.88.0.1:80' }\n    expect: { ok: false }\n",
    comes:
      'inconclusive ran 3-connect the step could not be taken: could not join the network namespace NETNS: open NETNS: no such file or directory',
  },
  'cri-not-loaded': {
    node: '  runtime-config: { disabled_plugins: [io.containerd.grpc.v1.cri] }\n',
    steps: '  - run-pod: web\n',
    comes: 'fail runtime start containerd is not-ready, expected running',
  },
  'cri-not-loaded-as-expected': {
    node: '  runtime-config: { disabled_plugins: [io.containerd.grpc.v1.cri] }\n  expect: { runtime: not-ready }\n',
    steps: `  - stop-runtime:
  - remove-files: /etc/containerd/config.toml
  - start-runtime:
  - write-files: { /etc/containerd/config.toml: 'version = "two"' }
  - stop-runtime:
  - start-runtime:
    expect: { runtime: ended, log: { message: { contains: 'failed to unmarshal TOML', why: the rest is of the parser } } }
`,
    comes: 'pass',
  },
  'cri-cannot-be-loaded': {
    node: '  runtime-config: { plugins: { io.containerd.grpc.v1.cri: { systemd_cgroup: true } } }\n',
    steps: '  - run-pod: web\n',
    comes: 'fail runtime start containerd is not-ready, expected running',
  },
  'ends-at-once': {
    node: '  files: { /etc/containerd/config.toml: \'version = "two"\' }\n',
    steps: '  - run-pod: web\n',
    comes: 'fail runtime start containerd ended by itself (exit 1), expected running',
  },
};

const folder = scratchFolder();
let ran: Finished;
let session: string;

interface Run {
  readonly slug: string;
  readonly outcome: string;
  readonly findings: readonly {
    readonly check: string;
    readonly outcome: string;
    readonly stepId: string;
    readonly message: string;
    readonly detail?: readonly string[];
  }[];
}
let runs: readonly Run[];

beforeAll(async () => {
  mkdirSync(join(folder, 'scenarios'));
  for (const [name, { node = '  cni-plugins: none\n', times = 1, steps }] of Object.entries(CASES)) {
    const values = Array.from({ length: times }, (_, index) => index + 1).join(', ');
    const plugins = node.includes('cni-plugins') ? '' : '  cni-plugins: none\n';
    writeFileSync(
      join(folder, 'scenarios', `${name}.yaml`),
      `name: ${name}\nsummary: s\nmatrix: { time: [${values}] }\nnode:\n  containerd: 1.6.4\n${plugins}${node}steps:\n${steps}`,
    );
  }
  ran = await cnilab([
    'run',
    join(folder, 'scenarios'),
    '--output',
    join(folder, 'out'),
    '--reporter',
    'json',
  ]);
  session = join(folder, 'out', 'latest');
  if (ran.stdout === '') throw new Error(ran.stderr);
  ({ runs } = JSON.parse(ran.stdout) as { runs: readonly Run[] });
});

const withoutNames = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{64}/g, 'ID')
    .replaceAll(/\/(?:var\/)?run\/netns\/cni-[0-9a-f-]+/g, 'NETNS')
    .replaceAll(/within \d+ ms/g, 'within N ms');

test.each(Object.entries(CASES))('%s has the expected outcome each time', (name, { times = 1, comes }) => {
  const own = runs.filter(({ slug }) => slug.startsWith(`${name}.time-`));
  const came = own.map(({ outcome, findings }) => {
    const first = findings.find((one) => one.outcome === outcome);
    if (outcome === 'pass' || first === undefined) return outcome;
    return withoutNames([outcome, first.check, first.stepId, first.message].join(' '));
  });
  expect(came).toEqual(Array.from({ length: times }, () => comes));
});

test('the reason why containerd did not start is reported, and its log is kept', () => {
  const failed = runs.find(({ slug }) => slug.startsWith('cri-cannot-be-loaded.'));
  const [finding] = failed?.findings ?? [];
  expect(finding?.detail?.slice(0, 2).join('\n')).toMatch(
    / runs without CRI: unknown service runtime\.v1.*\nits log says$/,
  );
  expect(finding?.detail?.slice(2).join('\n')).toMatch(
    /failed to load plugin io\.containerd\.grpc\.v1\.cri" error=.*`systemd_cgroup`/,
  );
  const log = readFileSync(join(session, failed?.slug ?? '', 'runtime.log'), 'utf8');
  expect(log).toContain('starting containerd');
  expect(failed?.findings.map(({ message }) => message)).toContain(
    'the run did not come to its end: containerd did not start',
  );
});

import { expect, test } from 'vitest';
import { formatPlan } from '../../lab/cli/plan.ts';
import { imageArchives, localComponents } from '../../lab/plan/resolve-component.ts';
import { parsePlan } from '../../lab/plan/parse-plan.ts';
import { planScenarios, type PlanOptions } from '../../lab/plan/plan-scenarios.ts';
import type { Plan } from '../../lab/plan/plan.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { scenarioOf } from '../spec/read.ts';
import { OPTIONS } from './facts.ts';
import { onlyNode } from '../rig/only-node.ts';

function planOf(text: string, options: Partial<PlanOptions> = {}): Plan {
  const plan = planScenarios([scenarioOf(text)], { ...OPTIONS, ...options });
  if (!plan.ok) throw new Error(plan.error.map(formatDiagnostic).join('\n'));
  return plan.value;
}

function mistakesOf(text: string, options: Partial<PlanOptions> = {}): string {
  const plan = planScenarios([scenarioOf(text)], { ...OPTIONS, ...options });
  return plan.ok ? '' : plan.error.map((mistake) => `${formatDiagnostic(mistake)}\n`).join('');
}

const error = (exact: string) => expect.objectContaining({ exact }) as unknown;

const titles = (plan: Plan): readonly string[] => plan.runs.map(({ title }) => title);

test('settings of a node’s first process are in the plan as written, and can be read back', () => {
  const node = (more: string) =>
    `name: s\nsummary: s\nnode: { containerd: 1.6.4${more} }\nsteps: [{ run-pod: web }]\n`;
  const plan = planOf(node(', limits: { processes: 500 }, system-calls: unfiltered'));
  expect(onlyNode(plan.runs[0])).toMatchObject({ limits: { processes: 500 }, systemCalls: 'unfiltered' });
  expect(parsePlan(JSON.stringify(plan))).toEqual({ ok: true, value: plan });
  expect(parsePlan(JSON.stringify(plan).replace('"unfiltered"', '"none"'))).toMatchObject({ ok: false });
  expect(onlyNode(planOf(node('')).runs[0])).not.toHaveProperty('systemCalls');
});

test('limits belong to a cell, and an invalid one is a mistake in its cell', () => {
  const scenario = (memory: string) => `name: s
summary: s
matrix: { memory: ${memory}, processes: [100, 200] }
node:
  containerd: 1.6.4
  limits: { memory: '\${matrix.memory}', processes: '\${matrix.processes}', tmpfs: 1GiB }
steps: [{ run-pod: web }]
`;
  const plan = planOf(scenario('[512MiB]'));
  const limits = plan.runs.map((run) => onlyNode(run).limits);
  expect(limits).toEqual(
    [100, 200].map((processes) => ({ memoryBytes: 2 ** 29, processes, tmpfsBytes: 2 ** 30 })),
  );
  expect(mistakesOf(scenario('[512MiB, lots]')))
    .toBe(`s.yaml:6:21 wanted a size such as 512MiB or 2GiB; got "lots"
      limits: { memory: '\${matrix.memory}', processes: '\${matrix.processes}', tmpfs: 1GiB }
                        ~~~~~~~~~~~~~~~~~~
`);
});

test('a cell becomes a run: exact versions, everything filled in, the branch that applies', () => {
  const text = `name: s
summary: Why
matrix: { containerd: ['debian:bookworm'], mtu: [1500] }
node:
  containerd: \${matrix.containerd}
  cni-plugins: { set: 0.9.1, loopback: gomod:1.1.1 }
  runtime-config: { a: 'x\${matrix.mtu}' }
  cni-config: { a.conf: { mtu: '\${matrix.mtu}', name: '\${matrix.mtu} $\${x}' } }
  files: { '/etc/\${matrix.mtu}': 'mtu \${matrix.mtu} $\${x}' }
steps:
  - run-pod: web
    expect:
      - { when: { containerd: '>=1.6.20' }, error: '\${web.id} \${matrix.mtu} $\${x}' }
  - write-cni-config: { a.conf: { mtu: '\${matrix.mtu}', pod: '\${web.ip} $\${x}' } }
  - install-plugins: none
`;
  const plan = planOf(text);
  const at = (line: number, column: number) => ({ file: 's.yaml', line, column });
  expect(plan).toEqual({
    formatVersion: 3,
    runs: [
      {
        title: 's containerd=debian:bookworm mtu=1500',
        slug: 's.containerd-debian-bookworm.mtu-1500',
        scenario: { name: 's', summary: 'Why', place: at(1, 1) },
        scenarioText: text,
        cell: { containerd: 'debian:bookworm', mtu: '1500' },
        nodes: [
          {
            runtime: { component: 'containerd', version: '1.6.20', source: 'debian' },
            runc: { component: 'runc', version: '1.1.15' },
            crictl: { component: 'crictl', version: '1.36.0' },
            plugins: {
              set: { component: 'cni-plugins', version: '0.9.1' },
              overrides: [
                { plugin: 'loopback', from: { component: 'cni-plugins', version: '1.1.1', source: 'gomod' } },
              ],
            },
            runtimeConfig: { a: 'x1500' },
            runtimeConfigPlace: at(7, 3),
            cniConfig: [
              {
                name: 'a.conf',
                content: '{\n  "mtu": "1500",\n  "name": "1500 ${x}"\n}\n',
                place: at(8, 17),
              },
            ],
            files: [{ name: '/etc/1500', content: 'mtu 1500 ${x}', place: at(9, 12) }],
          },
        ],
        pods: [{ name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false }],
        steps: [
          {
            id: '1-run-pod',
            place: at(11, 5),
            action: { do: 'run-pod', pod: 'web' },
            timeoutMs: 120_000,
            expect: {
              place: at(13, 9),
              when: { containerd: '>=1.6.20' },
              ok: false,
              error: { exact: '${web.id} 1500 $${x}', place: at(13, 52) },
              log: [],
              noLog: [],
            },
          },
          {
            id: '2-write-cni-config',
            place: at(14, 5),
            action: {
              do: 'write-cni-config',
              files: [
                {
                  name: 'a.conf',
                  content: '{\n  "mtu": "1500",\n  "pod": "${web.ip} $${x}"\n}\n',
                  place: at(14, 25),
                },
              ],
            },
            timeoutMs: 60_000,
            expect: { place: at(14, 5), ok: true, log: [], noLog: [] },
          },
          {
            id: '3-install-plugins',
            place: at(15, 5),
            action: { do: 'install-plugins', plugins: { overrides: [] } },
            timeoutMs: 60_000,
            expect: { place: at(15, 5), ok: true, log: [], noLog: [] },
          },
        ],
      },
    ],
  });
  expect(parsePlan(JSON.stringify(plan))).toEqual({ ok: true, value: plan });
});

const RANGES = `name: s
summary: s
matrix: { containerd: [1.6.3, 1.6.4] }
node: { containerd: '\${matrix.containerd}' }
steps:
  - run-pod: web
    expect:
      - when: { containerd: '<1.6.4' }
        ok: false
      - when: { containerd: '>=1.6.4 <1.7' }
        ok: true
`;

test('the last axis changes fastest, and slugs are unique', () => {
  const text = `name: s
summary: s
matrix: { a: [x/y, x.y], b: ['1', '2'] }
node: { containerd: default }
steps: [{ run-pod: web }]
`;
  const plan = planScenarios([scenarioOf(text), scenarioOf(text)], OPTIONS);
  expect(plan.ok && plan.value.runs.map(({ title, slug }) => [title, slug])).toEqual([
    ['s a=x/y b=1', 's.a-x-y.b-1'],
    ['s a=x/y b=2', 's.a-x-y.b-2'],
    ['s a=x.y b=1', 's.a-x.y.b-1'],
    ['s a=x.y b=2', 's.a-x.y.b-2'],
    ['s a=x/y b=1', 's.a-x-y.b-1-2'],
    ['s a=x/y b=2', 's.a-x-y.b-2-2'],
    ['s a=x.y b=1', 's.a-x.y.b-1-2'],
    ['s a=x.y b=2', 's.a-x.y.b-2-2'],
  ]);
});

test('a version from the command line replaces the axis, and equal cells run once', () => {
  const overrides = { containerd: ['1.6.2', '1.6.3', '1.6.2'] };
  expect(titles(planOf(RANGES, { overrides }))).toEqual(['s containerd=1.6.2', 's containerd=1.6.3']);
});

test('a version from the command line is a new axis if there was none', () => {
  const text = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps: [{ run-pod: web }]\n';
  const { runs } = planOf(text, {
    overrides: { containerd: ['debian:trixie', '1.6.3'], 'cni-plugins': ['1.1.1'] },
  });
  expect(runs.map(({ title, nodes: [node] }) => [title, node?.runtime, node?.plugins.set])).toEqual([
    [
      's containerd=debian:trixie cni-plugins=1.1.1',
      { component: 'containerd', version: '1.7.24', source: 'debian' },
      { component: 'cni-plugins', version: '1.1.1' },
    ],
    [
      's containerd=1.6.3 cni-plugins=1.1.1',
      { component: 'containerd', version: '1.6.3' },
      { component: 'cni-plugins', version: '1.1.1' },
    ],
  ]);
});

const TWO_RUNTIMES = `name: s
summary: s
matrix: { containerd: [1.6.3, 1.6.4], as: [a, b], crio: [1.24.0, 1.34.0] }
node:
  containerd: \${matrix.containerd}
  crio: \${matrix.crio}
  cni-config: { a.conf: { as: '\${matrix.as}', left-out: '\${matrix.crio}', empty: 'x\${matrix.containerd}' } }
steps:
  - run-pod: web
    expect:
      - { when: { containerd: '<1.6.4' }, error: old }
      - { when: { containerd: '>=1.6.4' }, error: new }
      - { when: { crio: '*' }, error: other }
  - stop-pod: web
    when: { crio: '>=1.34.0' }
`;

test('a cell has a value of only one runtime axis, and so the runtime', () => {
  const { runs } = planOf(TWO_RUNTIMES);
  expect(
    runs.map(({ title, nodes: [node], steps }) => [
      title,
      node?.runtime,
      steps.map(({ expect }) => expect.error),
    ]),
  ).toEqual([
    ['s containerd=1.6.3 as=a', { component: 'containerd', version: '1.6.3' }, [error('old')]],
    ['s containerd=1.6.3 as=b', { component: 'containerd', version: '1.6.3' }, [error('old')]],
    ['s containerd=1.6.4 as=a', { component: 'containerd', version: '1.6.4' }, [error('new')]],
    ['s containerd=1.6.4 as=b', { component: 'containerd', version: '1.6.4' }, [error('new')]],
    ['s crio=1.24.0 as=a', { component: 'crio', version: '1.24.0' }, [error('other')]],
    ['s crio=1.24.0 as=b', { component: 'crio', version: '1.24.0' }, [error('other')]],
    ['s crio=1.34.0 as=a', { component: 'crio', version: '1.34.0' }, [error('other'), undefined]],
    ['s crio=1.34.0 as=b', { component: 'crio', version: '1.34.0' }, [error('other'), undefined]],
  ]);
  const contents = runs.map((run) => JSON.parse(onlyNode(run).cniConfig[0]?.content ?? '') as unknown);
  expect([contents[0], contents[4]]).toEqual([
    { as: 'a', empty: 'x1.6.3' },
    { as: 'a', 'left-out': '1.24.0', empty: 'x' },
  ]);
});

test.each<[string, Partial<PlanOptions>, readonly string[]]>([
  [
    '--containerd',
    { overrides: { containerd: ['1.6.4'] } },
    ['containerd=1.6.4 as=a', 'containerd=1.6.4 as=b'],
  ],
  ['--crio', { overrides: { crio: ['1.34.0'] } }, ['as=a crio=1.34.0', 'as=b crio=1.34.0']],
  [
    'both',
    { overrides: { containerd: ['1.6.4'], crio: ['1.34.0'] }, only: { as: ['a'] } },
    ['containerd=1.6.4 as=a', 'crio=1.34.0 as=a'],
  ],
  ['--set of one', { only: { crio: ['1.24.0'] } }, ['as=a crio=1.24.0', 'as=b crio=1.24.0']],
  [
    '--set of both',
    { only: { containerd: ['1.6.3'], crio: ['1.24.0'], as: ['a'] } },
    ['containerd=1.6.3 as=a', 'crio=1.24.0 as=a'],
  ],
])('%s chooses the runtime where a file has two', (_, options, expected) => {
  const { runs } = planOf(TWO_RUNTIMES, options);
  expect(runs.map(({ title }) => title)).toEqual(expected.map((name) => `s ${name}`));
  for (const { cell, nodes } of runs)
    expect(cell).toMatchObject(
      nodes.map(({ runtime }) => ({ [runtime.component]: runtime.version }))[0] ?? {},
    );
});

test('a version of the other runtime replaces the runtime in the file and its axis', () => {
  const text = (version: string) =>
    `name: s\nsummary: s\nmatrix: { containerd: [1.6.3, 1.6.4] }\nnode: { containerd: '${version}' }\nsteps: [{ run-pod: web }]\n`;
  const crio = { overrides: { crio: ['1.24.0', '1.34.0'] } };
  expect(titles(planOf(text('${matrix.containerd}'), crio))).toEqual(['s crio=1.24.0', 's crio=1.34.0']);
  expect(planOf(text('${matrix.containerd}'), crio).runs[0]?.nodes[0]?.runtime.component).toBe('crio');
});

test('--kubernetes replaces the version of a cluster, and etcd follows', () => {
  const text = (version: string) =>
    `name: s\nsummary: s\nmatrix: { k: [1.24.17], as: [a, b] }\ncluster: { kubernetes: '${version}', workers: 1, node: { containerd: 1.6.4, files: { /as: '\${matrix.as}\${matrix.k}' } } }\nsteps: [{ cordon: worker-1 }]\n`;
  const { facts } = OPTIONS;
  const options = {
    facts: { ...facts, beside: { ...facts.beside, etcd: { kubernetes: { '1.37': '3.7.0' } } } },
    overrides: { kubernetes: ['1.23.17', '1.37.2'] },
  };
  const versions = (plan: Plan) =>
    plan.runs.map(({ title, cluster }) => [title, cluster?.kubernetes.version, cluster?.etcd.version]);
  expect(versions(planOf(text('1.24.17'), options))).toEqual([
    ['s k=1.24.17 as=a kubernetes=1.23.17', '1.23.17', '3.5.6'],
    ['s k=1.24.17 as=a kubernetes=1.37.2', '1.37.2', '3.7.0'],
    ['s k=1.24.17 as=b kubernetes=1.23.17', '1.23.17', '3.5.6'],
    ['s k=1.24.17 as=b kubernetes=1.37.2', '1.37.2', '3.7.0'],
  ]);
  expect(versions(planOf(text('${matrix.k}'), options)).slice(0, 2)).toEqual([
    ['s k=1.23.17 as=a', '1.23.17', '3.5.6'],
    ['s k=1.23.17 as=b', '1.23.17', '3.5.6'],
  ]);
  expect(mistakesOf(RANGES, options)).toBe(`command line:1:14 no scenario here has a cluster
    --kubernetes 1.23.17
                 ~~~~~~~
`);
});

test('--kubernetes local: is asked for its version', () => {
  const scenario = scenarioOf(
    'name: s\nsummary: s\ncluster: { kubernetes: 1.24.17, workers: 1, node: { containerd: 1.6.4 } }\nsteps: [{ cordon: worker-1 }]\n',
  );
  const overrides = { kubernetes: ['local:/home/me/k8s'] };
  expect(localComponents([scenario], { cwd: '/home/me', overrides })).toEqual([
    { component: 'kubernetes', hostPath: '/home/me/k8s' },
  ]);
});

test('--set narrows an axis or adds a value', () => {
  expect(titles(planOf(RANGES, { only: { containerd: ['1.6.4'] } }))).toEqual(['s containerd=1.6.4']);
  expect(titles(planOf(RANGES, { only: { containerd: ['1.6.9'] } }))).toEqual(['s containerd=1.6.9']);
});

test('a cell that no branch covers is a mistake, and the message has the existing ranges', () => {
  expect(mistakesOf(RANGES, { overrides: { containerd: ['1.7.0', '2.0.0-rc.1', '1.6.3'] } })).toBe(
    `s.yaml:8:9 no branch covers containerd=1.7.0, containerd=2.0.0-rc.1; there are containerd "<1.6.4", containerd ">=1.6.4 <1.7"
          - when: { containerd: '<1.6.4' }
            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
`,
  );
});

test('a cell that two branches cover, and a branch that covers no cell, are mistakes', () => {
  expect(mistakesOf(RANGES.replace("'>=1.6.4 <1.7'", "'>=1.6.3'"))).toBe(
    `s.yaml:8:9 more than one branch covers containerd=1.6.3: those in lines 8 and 10; narrow their "when"
          - when: { containerd: '<1.6.4' }
            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
`,
  );
  const useless = `${RANGES}      - when: { containerd: '>=1.7' }\n        ok: true\n`;
  expect(mistakesOf(useless)).toBe(
    `s.yaml:12:9 this branch covers no cell; there are containerd=1.6.3, containerd=1.6.4
          - when: { containerd: '>=1.7' }
            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
`,
  );
  expect(titles(planOf(useless, { only: { containerd: ['1.6.3'] } }))).toEqual(['s containerd=1.6.3']);
});

test('a branch may name the exact text of a value, or a version that comes from a suite', () => {
  const text = RANGES.replace('[1.6.3, 1.6.4]', "['debian:bookworm', 1.6.3]")
    .replace("'<1.6.4'", 'debian:bookworm')
    .replace("'>=1.6.4 <1.7'", '1.6.3');
  expect(planOf(text).runs.map(({ steps }) => steps[0]?.expect.ok)).toEqual([false, true]);
});

test('a capture made only by a branch for other cells is a mistake', () => {
  const text = RANGES.replace('ok: false', "error: 'task ${task:hash}'");
  const used = `${text}  - stop-pod: web\n    expect: { error: 'task ${'${task}'}' }\n`;
  expect(mistakesOf(used)).toBe(
    `s.yaml:13:22 nothing has captured "task" for containerd=1.6.4: the branch that does is not for it
        expect: { error: 'task \${task}' }
                         ~~~~~~~~~~~~~~
`,
  );
});

test('a mistake that needs the facts about versions is reported at its position', () => {
  const text = `name: s
summary: s
node: { containerd: debian:bokworm, runc: debian:trixie, cni-plugins: debian:bookworm, crictl: local:bin }
steps: [{ run-pod: web }]
`;
  expect(mistakesOf(text))
    .toBe(`s.yaml:3:21 no suite of Debian is called "bokworm"; did you mean "bookworm"? known: bookworm, trixie
    node: { containerd: debian:bokworm, runc: debian:trixie, cni-plugins: debian:bookworm, crictl: local:bin }
                        ~~~~~~~~~~~~~~
s.yaml:3:43 Debian trixie has no runc; there is one in bookworm
    node: { containerd: debian:bokworm, runc: debian:trixie, cni-plugins: debian:bookworm, crictl: local:bin }
                                              ~~~~~~~~~~~~~
s.yaml:3:71 Debian bookworm has no cni-plugins; no suite has it
    node: { containerd: debian:bokworm, runc: debian:trixie, cni-plugins: debian:bookworm, crictl: local:bin }
                                                                          ~~~~~~~~~~~~~~~
s.yaml:3:96 crictl: /home/me/lab/bin could not be asked for its version; there must be a program that answers --version
    node: { containerd: debian:bokworm, runc: debian:trixie, cni-plugins: debian:bookworm, crictl: local:bin }
                                                                                                   ~~~~~~~~~
`);
});

test('mistakes in the command line are reported as such, once', () => {
  expect(mistakesOf(RANGES, { overrides: { containerd: ['v1.6.3'] }, only: { contained: ['1'] } })).toBe(
    `command line:1:14 containerd: a version has no "v" before it: write "1.6.3"; got "v1.6.3"
    --containerd v1.6.3
                 ~~~~~~
command line:1:7 no scenario here has an axis "contained"; did you mean "containerd"? known: containerd
    --set contained
          ~~~~~~~~~
`,
  );
});

test('local paths are relative to the folder of the file, and those from the command line are absolute', () => {
  const text = 'name: s\nsummary: s\nnode: { containerd: local:../../build }\nsteps: [{ run-pod: web }]\n';
  const scenario = scenarioOf(text, 'scenarios/s.yaml');
  expect(localComponents([scenario], { cwd: '/home/me/lab' })).toEqual([
    { component: 'containerd', hostPath: '/home/me/build' },
  ]);
  const plan = planScenarios([scenario], { ...OPTIONS, overrides: { runc: ['local:/home/me/build'] } });
  expect(plan.ok && plan.value.runs.map(({ nodes: [node] }) => [node?.runtime, node?.runc])).toEqual([
    [
      { component: 'containerd', source: 'local', hostPath: '/home/me/build', version: '1.6.99' },
      { component: 'runc', source: 'local', hostPath: '/home/me/build', version: '1.6.99' },
    ],
  ]);
});

test('archives of images are relative to the folder of the file, in each cell', () => {
  const text = `name: s
summary: s
matrix: { containerd: [1.6.3, 1.6.4], app: [1, 2] }
node: { containerd: '\${matrix.containerd}', images: ['../app-\${matrix.app}.tar', /images/all.tar] }
steps: [{ run-pod: web }]
`;
  const scenario = scenarioOf(text, 'scenarios/s.yaml');
  const asked = imageArchives([scenario], { cwd: '/home/me/lab' });
  expect(asked.map(({ hostPath, place }) => [hostPath, place.column])).toEqual([
    ['/home/me/lab/app-1.tar', 54],
    ['/images/all.tar', 82],
    ['/home/me/lab/app-2.tar', 54],
  ]);
  const plan = planScenarios([scenario], OPTIONS);
  expect(plan.ok && plan.value.runs.map(({ nodes: [node] }) => node?.images)).toEqual(
    ['1', '2', '1', '2'].map((app) => [`/home/me/lab/app-${app}.tar`, '/images/all.tar']),
  );
});

test('a formatted plan can be read back', () => {
  const plan = planOf(`name: s
summary: s
control: { outcome: fail, finding: ok, step: 1-run-pod, message: x }
node: { containerd: debian:bookworm, cni-plugins: { set: none, loopback: 1.1.1 } }
steps:
  - run-pod: web
  - exec: [sh, -c, "echo it's"]
  - stop-runtime:
  - wait-for: { pod: web, state: absent }
`);
  expect(formatPlan(plan)).toBe(`s (must come out as fail, by ok of 1-run-pod)
  containerd 1.6.20 from debian, runc 1.1.15, crictl 1.36.0, no cni-plugins, loopback of cni-plugins 1.1.1
  1-run-pod       web
  2-exec          sh -c 'echo it'\\''s'
  3-stop-runtime
  4-wait-for      pod web is absent
`);
});

const AXES = `name: s
summary: s
matrix: { mtu: [1500, 1e3], masq: [true, false], somax: ['500'], pref: ['', ipv6] }
node:
  containerd: 1.6.4
  runtime-config: { debug: { level: '\${matrix.pref}' } }
  cni-config:
    a.conf:
      mtu: \${matrix.mtu}
      masq: \${matrix.masq}
      quoted: '\${matrix.mtu}'
      text: \${matrix.somax}
      part: x\${matrix.mtu}
      list:
        - \${matrix.mtu}
steps:
  - run-pod: web
    expect:
      - { when: { pref: '' }, ok: true }
      - { when: { pref: ipv6 }, ok: false }
`;

test('a key and an item that are only an axis are left out if the value is empty', () => {
  const text = AXES.replace(
    "{ debug: { level: '${matrix.pref}' } }",
    "{ debug: { level: '${matrix.pref}', part: 'x${matrix.pref}', list: ['${matrix.pref}', a] } }",
  );
  const configs = planOf(text, { only: { mtu: ['1500'], masq: ['true'] } }).runs.map(
    ({ nodes: [node] }) => node?.runtimeConfig,
  );
  expect(configs).toEqual([
    { debug: { part: 'x', list: ['a'] } },
    { debug: { level: 'ipv6', part: 'xipv6', list: ['ipv6', 'a'] } },
  ]);
});

test('an axis value without quotes keeps its type, and everything in quotes is text', () => {
  const contents = planOf(AXES, { only: { mtu: ['1e3', '9000'], pref: [''] } }).runs.map(
    ({ nodes: [node] }) => node?.cniConfig[0]?.content,
  );
  const content = (mtu: string, masq: string) => `{
  "mtu": ${mtu},
  "masq": ${masq},
  "quoted": "${mtu}",
  "text": "500",
  "part": "x${mtu}",
  "list": [
    ${mtu}
  ]
}
`;
  expect(contents).toEqual([
    content('1e3', 'true'),
    content('1e3', 'false'),
    content('9000', 'true'),
    content('9000', 'false'),
  ]);
});

test('an empty value of an axis has a branch, a title and a file name', () => {
  const { runs } = planOf(AXES, { only: { mtu: ['1500'], masq: ['true'] } });
  const shown = runs.map(({ title, slug, steps, nodes: [node] }) => [
    title,
    slug,
    steps[0]?.expect.ok,
    node?.runtimeConfig,
  ]);
  expect(shown).toEqual([
    [
      "s mtu=1500 masq=true somax=500 pref=''",
      's.mtu-1500.masq-true.somax-500.pref-empty',
      true,
      { debug: {} },
    ],
    [
      's mtu=1500 masq=true somax=500 pref=ipv6',
      's.mtu-1500.masq-true.somax-500.pref-ipv6',
      false,
      { debug: { level: 'ipv6' } },
    ],
  ]);
});

test('too many runs or steps are rejected before they are made', () => {
  const matrix = `{ a: [${Array.from({ length: 100 }, (_, i) => i).join()}], b: ['1', '2'] }`;
  const steps = Array.from({ length: 600 }, () => '{ run-pod: web }').join();
  const text = `name: s\nsummary: s\nmatrix: ${matrix}\nnode: { containerd: 1.6.4 }\nsteps: [${steps}]\n`;
  expect(mistakesOf(text)).toBe(
    's.yaml:1:1 200 runs of 600 steps are 120000 steps; a scenario has at most 100000\n    name: s\n    ~~~~~~~\n',
  );
  const only = { a: Array.from({ length: 20_000 }, (_, i) => `v${i}`) };
  expect(mistakesOf(text, { only })).toContain(
    'the matrix has 40000 combinations; a scenario has at most 10000',
  );
});

test.each([
  ['1.4.13', '', '1.25.0'],
  ['1.5.13', '', '1.25.0'],
  ['debian:bookworm', '', '1.36.0'],
  ['2.4.2', '', '1.36.0'],
  ['1.6.4', '  - replace-runtime: 1.5.13\n', '1.25.0'],
  ['1.6.4', '  - replace-runtime: 2.4.2\n', '1.36.0'],
])('crictl by default speaks with every containerd of a run: %s %j', (containerd, step, crictl) => {
  const [run] = planOf(
    `name: s\nsummary: s\nnode: { containerd: '${containerd}' }\nsteps:\n  - run-pod: web\n${step}`,
  ).runs;
  expect(onlyNode(run).crictl.version).toBe(crictl);
});

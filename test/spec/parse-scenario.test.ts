import { expect, test } from 'vitest';
import { writtenOf } from '../../lab/spec/written-json.ts';
import { scenarioOf } from './read.ts';

const at = (line: number, column: number) => ({ file: 's.yaml', line, column });

test('a file becomes a scenario, each part with its position', () => {
  const text = `name: example
summary: One of everything
references: [https://example.org/why]
control: { outcome: fail, finding: error, step: 2-remove-pod, message: no error }
matrix: { containerd: [1.6.3, 1.10.0] }
node:
  containerd: \${matrix.containerd}
  runc: default
  cni-plugins: { set: 0.9.1, loopback: 1.1.1 }
  runtime-config: { version: 2 }
  cni-config: { 10-a.conflist: { name: a, mtu: 1500 } }
  files: { /opt/run: { content: "echo\\n", mode: 0755 } }
pods:
  web: { host-ports: [{ host: 8080, container: 80 }] }
steps:
  - run-pod: web
    timeout: 5s
    expect: { ok: true, pod: { state: ready, ips: 1 } }
  - remove-pod: { pod: web, force: true }
    expect:
      - when: { containerd: '<1.6.4' }
        error: 'no "\${web.id}"'
        left-behind: { netns: 1 }
      - log: gone
expect: { left-behind: none, pods: none }
`;
  expect(scenarioOf(text)).toEqual({
    place: at(1, 1),
    text,
    included: {},
    name: 'example',
    summary: 'One of everything',
    references: ['https://example.org/why'],
    control: {
      outcome: 'fail',
      finding: 'error',
      step: '2-remove-pod',
      message: { exact: 'no error', place: at(4, 72) },
    },
    matrix: [{ axis: 'containerd', values: ['1.6.3', '1.10.0'], plain: [] }],
    nodes: [
      {
        runtime: { name: 'containerd', version: { text: '${matrix.containerd}', place: at(7, 15) } },
        runc: { text: 'default', place: at(8, 9) },
        cniPlugins: {
          set: { text: '0.9.1', place: at(9, 23) },
          plugins: [{ plugin: 'loopback', version: { text: '1.1.1', place: at(9, 40) } }],
        },
        runtimeConfig: writtenOf({ version: 2 }),
        runtimeConfigPlace: at(10, 3),
        cniConfig: [
          {
            name: '10-a.conflist',
            content: '{\n  "name": "a",\n  "mtu": 1500\n}\n',
            mapping: writtenOf({ name: 'a', mtu: 1500 }),
            place: at(11, 17),
          },
        ],
        files: [{ name: '/opt/run', content: 'echo\n', mode: 0o755, place: at(12, 12) }],
      },
    ],
    pods: [
      {
        name: 'web',
        hostPorts: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
        annotations: {},
        labels: {},
        hostNetwork: false,
      },
    ],
    steps: [
      {
        place: at(16, 5),
        number: '1',
        action: { do: 'run-pod', pod: 'web' },
        timeoutMs: 5000,
        expect: [{ place: at(18, 13), ok: true, pod: { state: 'ready', ips: 1 }, log: [], noLog: [] }],
      },
      {
        place: at(19, 5),
        number: '2',
        action: { do: 'remove-pod', pod: 'web', force: true },
        expect: [
          {
            place: at(21, 9),
            when: { containerd: '<1.6.4' },
            ok: false,
            error: { exact: 'no "${web.id}"', place: at(22, 16) },
            leftBehind: { none: false, kinds: { netns: 1 }, place: at(23, 22) },
            log: [],
            noLog: [],
          },
          {
            place: at(24, 9),
            log: [{ message: { exact: 'gone', place: at(24, 14) }, fields: {}, place: at(24, 14) }],
            noLog: [],
          },
        ],
      },
    ],
    expect: [
      { place: at(25, 9), leftBehind: { none: true, place: at(25, 24) }, pods: 'none', log: [], noLog: [] },
    ],
  });
});

test('a pod that is run but not declared has default settings, and aliases and merge keys are resolved', () => {
  const { pods, steps } = scenarioOf(`name: s
summary: s
node: { containerd: 1.6.4, cni-config: { a.conf: &a { name: a, type: bridge } } }
steps:
  - run-pod: web
  - write-cni-config: { a.conf: { <<: *a, type: ptp, cniVersion: 1.0.0 } }
`);
  expect(pods).toEqual([{ name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false }]);
  expect(steps[1]?.action).toEqual({
    do: 'write-cni-config',
    files: [
      {
        name: 'a.conf',
        content: '{\n  "name": "a",\n  "type": "ptp",\n  "cniVersion": "1.0.0"\n}\n',
        mapping: writtenOf({ name: 'a', type: 'ptp', cniVersion: '1.0.0' }),
        place: at(6, 25),
      },
    ],
  });
});

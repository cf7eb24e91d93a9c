import { expect, test } from 'vitest';

import { ANY_NODE, conflistFile, scenarioOf } from '../../lab/library/node-request.ts';

test('a request is the same as a scenario file without steps', () => {
  const { nodes, steps } = scenarioOf({
    ...ANY_NODE,
    runtime: { name: 'containerd', version: '1.6.3' },
    cniPlugins: '1.1.1',
    ownPlugins: ['./build/my-cni'],
    scriptedPlugins: [
      { plugin: 'mycni', script: { add: [{ stderr: '${HOME}', answer: { result: { a: 1 } } }], del: [{}] } },
    ],
    recordsCalls: true,
    cniConfig: [conflistFile({ name: 'net', plugins: [{ type: 'my-cni' }] })],
    files: [{ name: '/etc/my-cni', content: 'home=${HOME}\n', mode: 0o600 }],
    systemCalls: 'unfiltered',
    limits: { processes: 500 },
  });
  const place = { file: 'RuntimeNode', line: 1, column: 1 };
  expect(steps).toEqual([]);
  expect(nodes[0]).toEqual({
    runtime: { name: 'containerd', version: { text: '1.6.3', place } },
    cniPlugins: {
      set: { text: '1.1.1', place },
      plugins: [{ plugin: 'my-cni', version: { text: 'local:./build/my-cni', place } }],
      fakes: [
        {
          plugin: 'mycni',
          script: {
            add: [
              {
                stderr: '$${HOME}',
                answer: { result: { is: 'mapping', entries: [['a', { is: 'plain', source: '1' }]] } },
              },
            ],
            del: [{}],
          },
        },
      ],
    },
    cniConfig: [
      {
        name: '10-net.conflist',
        content: '{\n  "name": "net",\n  "plugins": [\n    {\n      "type": "my-cni"\n    }\n  ]\n}\n',
        place,
      },
    ],
    files: [{ name: '/etc/my-cni', content: 'home=$${HOME}\n', mode: 0o600, place }],
    systemCalls: 'unfiltered',
    limitsOver: { processes: 500 },
    record: true,
  });
});

test('standard plugins are optional, and the configuration may be a single one', () => {
  expect(scenarioOf({ ...ANY_NODE, cniPlugins: 'none' }).nodes[0]?.cniPlugins).toEqual({ plugins: [] });
  expect(conflistFile({ name: 'net', type: 'bridge' }).name).toBe('10-net.conf');
});

import { expect, test } from 'vitest';

import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { OPTIONS } from '../plan/facts.ts';
import { mistakesOf, scenarioOf } from './read.ts';

const scenario = (call: string): string => `name: s
summary: s
matrix: { type: [bridge] }
node: { containerd: 1.6.4 }
steps: [{ run-pod: web }, { cni: ${call} }]
`;

test('a call is in the plan with the matrix filled in, and references to pods are left to the step', () => {
  const call = `{
      verb: add, plugin: '\${matrix.type}', netns: '\${web.netns}', container-id: c, ifname: eth1,
      args: { K8S_POD_NAME: '\${web.id}' }, capabilities: { mac: x },
      config: { type: '\${matrix.type}', mtu: 1500, id: '\${web.id}' },
    }`;
  const plan = planScenarios([scenarioOf(scenario(call))], OPTIONS);
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  const place = expect.anything() as unknown;
  expect(plan.value.runs[0]?.steps[1]?.action).toEqual({
    do: 'cni',
    verb: 'add',
    plugin: 'bridge',
    netns: '${web.netns}',
    containerId: 'c',
    ifname: 'eth1',
    args: { K8S_POD_NAME: '${web.id}' },
    capabilities: { name: 'capabilities', content: '{\n  "mac": "x"\n}\n', place },
    config: {
      name: 'config',
      content: '{\n  "type": "bridge",\n  "mtu": 1500,\n  "id": "${web.id}"\n}\n',
      place,
    },
  });
});

test.each([
  ['{ verb: adds }', 'wanted one of add, del, check, status, version, gc; got "adds"; did you mean "add"?'],
  ['{ verb: add, plugin: a/b }', 'wanted the name of a plugin; got "a/b"'],
  ['{ verb: add, network: a, config: x }', 'either "config" or "network" says which configuration it is'],
  [
    '{ verb: add, pod: web, netns: x }',
    '"pod" brings container-id, netns and args; write these, with ${web.id}, in its place',
  ],
  ['{ verb: add, pod: wbe }', 'no step before this runs pod "wbe"; did you mean "web"? known: web'],
  ['{ verb: add, args: { "a=b": c } }', 'a key has neither "=" nor ";"'],
  ['{ verb: add, conflist: {} }', 'there is no "conflist" here: it is called config'],
])('%s is a mistake', (call, message) => {
  const [first = ''] = mistakesOf(scenario(call)).split('\n');
  expect(first.replace(/^s\.yaml:\d+:\d+ /, '')).toBe(message);
});

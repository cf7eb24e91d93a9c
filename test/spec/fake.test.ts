import { expect, test } from 'vitest';

import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { OPTIONS } from '../plan/facts.ts';
import { mistakesOf, scenarioOf } from './read.ts';

const scenario = (script: string, { axis = '[x]', rest = '' } = {}): string => `name: s
summary: s
matrix: { say: ${axis} }
node:
  containerd: 1.6.4
  cni-plugins: { set: none, mycni: { fake: ${script} } }
  cni-config: { a.conf: { name: a, type: mycni } }
steps: [{ run-pod: web }${rest}]
`;

function pluginsOf(text: string) {
  const plan = planScenarios([scenarioOf(text)], OPTIONS);
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  return plan.value.runs[0]?.nodes[0]?.plugins;
}

test('a script is in the plan in the program’s format, with the matrix filled in', () => {
  const script = `{
      add: [ok, { result: { ips: [{ address: 10.0.0.2/24 }], mtu: 1500 }, delay: 2s }],
      del: { delegate: bridge, error: { code: 7, msg: '\${matrix.say}', details: d }, stderr: 'e' },
      check: { print: '\${matrix.say}', exit-code: 3 },
      status: { signal: SIGKILL },
      version: { versions: [0.4.0, 1.0.0] },
      gc: { hang: both },
      others: { delegate-after: ptp },
    }`;
  expect(pluginsOf(scenario(script, { axis: '[no]' }))).toEqual({
    overrides: [],
    fakes: [
      {
        plugin: 'mycni',
        script: {
          add: [{}, { delayMs: 2000, answer: { result: { ips: [{ address: '10.0.0.2/24' }], mtu: 1500 } } }],
          del: [
            {
              delegate: 'bridge',
              stderr: 'e',
              answer: { error: { code: 7, msg: 'no', details: 'd' } },
            },
          ],
          check: [{ answer: { print: { content: 'no' } }, exitCode: 3 }],
          status: [{ signal: 'SIGKILL' }],
          version: [{ answer: { versions: ['0.4.0', '1.0.0'] } }],
          gc: [{ hang: 'both' }],
          others: [{ delegateAfter: 'ptp' }],
        },
      },
    ],
  });
});

test.each([
  [
    '{ ADD: ok }',
    'unknown key "ADD"; did you mean "add"? allowed here: add, del, check, status, version, gc, others',
  ],
  ['{ add: fine }', 'wanted "ok"; got "fine"'],
  ['{ add: {} }', 'this says nothing; write ok for a call that succeeds'],
  ['{ add: { result: {}, print: x } }', 'it answers with one of result, error, print and versions'],
  ['{ del: { result: {} } }', 'only add has a result; print: prints anything'],
  ['{ add: { versions: [1.0.0] } }', 'only version has versions'],
  ['{ add: { exit-code: 1, hang: plugin } }', 'it ends with an exit-code, by a signal, or never (hang)'],
  [
    '{ add: { signal: SIGFOO } }',
    'wanted one of SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT, SIGSEGV; got "SIGFOO"',
  ],
  [
    '{ add: { delegate: mycni } }',
    '"mycni" would call itself: give the scripted plugin a name of its own, and name that in the conflist',
  ],
  [
    '{ add: { print: "${web.id}" } }',
    'only ${matrix.AXIS} can stand here, as this is fixed before anything runs; write "$${" for the characters themselves',
  ],
])('%s is a mistake', (script, message) => {
  const [first = ''] = mistakesOf(scenario(script)).split('\n');
  expect(first.replace(/^s\.yaml:\d+:\d+ /, '')).toBe(message);
});

test.each([
  ['neither', '{ plugin: mycni }'],
  ['both', '{ plugin: mycni, script: x, fake: { add: ok } }'],
])('a fake-plugin step with %s script and fake is a mistake', (_, step) => {
  const rest = `, { fake-plugin: ${step} }`;
  expect(mistakesOf(scenario('{ add: ok }', { rest }))).toContain('wanted either "fake" or "script"');
});

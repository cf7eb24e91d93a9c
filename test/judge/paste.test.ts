import { expect, test } from 'vitest';
import { asTemplate, scalarOf } from '../../lab/judge/paste.ts';
import { judge } from '../rig/judged.ts';
import { nameVariables } from '../../lab/judge/varying.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import {
  crictlError,
  item,
  journalOf,
  planned,
  ran,
  result,
  runPod,
  sandbox,
  state,
} from '../rig/recorded-run.ts';
import { scenarioOf } from '../spec/read.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const UUID = '8b1f0000-1111-2222-3333-444455556666';
const CHAIN = 'f6eb5c54b35e960f010eaad7';

const expectationOf = (written: string): Expectation => {
  const text = `name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps:\n  - run-pod: web\n    expect: { ${written} }\n`;
  const [first] = scenarioOf(text).steps[0]?.expect ?? [];
  if (first === undefined) throw new Error('it expects something');
  return first;
};

/** A run of one pod: its outcome, and the texts that its failed findings offer to paste, in order. */
function judged(written: string) {
  const said = `plugin failed for "${B}" at 2026-11-28T04:48:40.149Z: read udp 10.88.0.2:40123->10.88.0.1:53: $\{x} it's 1.234ms\n\u001b\udcff`;
  const run = planned({ steps: [[runPod, expectationOf(written)]] });
  const entries = journalOf(run, {
    steps: [
      {
        seen: [
          ran(
            '1-run-pod',
            result(['crictl', 'runp', 'x'], { exitCode: 1, stderr: crictlError(said), stdout: `${A}\n` }),
          ),
          { kind: 'capture', stepId: '1-run-pod', name: 'web.id', value: A },
          { kind: 'capture', stepId: '1-run-pod', name: 'web.ip', value: '10.88.0.2' },
        ],
        log: `time="2026-11-28T04:48:40.1Z" level=error msg="RunPodSandbox for \\"${A}\\" failed" error="no ${UUID}"\n`,
        state: state([
          sandbox(A),
          item('netns', `cni-${UUID}`),
          item('ipam', 'net/10.88.0.2'),
          item(
            'iptables',
            `ip nat -A CNI-${CHAIN} -d 10.88.0.21/32 -m comment --comment "name: \\"net\\" id: \\"${A}\\"" -j ACCEPT`,
          ),
          item('veth', 'veth447c6565'),
        ]),
      },
    ],
  });
  const { outcome, findings } = judge(run, entries);
  return { outcome, pastes: findings.flatMap(({ paste }) => paste ?? []) };
}

test.each([
  'ok: true',
  'error: something else',
  'error: x, output: y, exit-code: 4',
  'ok: false, left-behind: none',
  'ok: false, left-behind: { netns: [x], sandbox: [], ipam: [y], iptables: [], veth: [] }',
  'ok: false, log: { level: error, message: \'RunPodSandbox for "x" failed\', fields: { error: no } }',
])('%s does not hold; what is offered in its place does', (written) => {
  const first = judged(written);
  expect(first.outcome).toBe('fail');
  const named = first.pastes.some((paste) => paste.startsWith('error:'))
    ? first.pastes
    : ['ok: false', ...first.pastes];
  expect([named, judged(named.join(', ')).outcome]).toEqual([named, 'pass']);
});

test('known values have their name, and varying values are captures, the same everywhere', () => {
  expect(
    judged('ok: false, left-behind: { netns: [x], ipam: [], sandbox: 1, iptables: 1, veth: [] }').pastes,
  ).toEqual([
    "left-behind: { netns: ['cni-${uuid-1:uuid}'], veth: ['veth${veth-1:hash}'], ipam: ['net/${web.ip}'], iptables: 1, sandbox: 1 }",
  ]);
});

test('a text is offered as a scenario would expect it', () => {
  const names = {
    bindings: new Map([
      ['web.id', A],
      ['web.ip', '10.88.0.2'],
      ['web.netns', `/run/netns/cni-${UUID}`],
    ]),
    variables: () =>
      nameVariables([{ kind: 'runtime-log', stepId: 'start', text: `${B} CNI-DN-${CHAIN}`, atMs: 0 }]),
  };
  const as = (text: string) => asTemplate(text, names);
  expect(as(`${A}: 10.88.0.2/16 10.88.0.21 10.88.0.2. /run/netns/cni-${UUID}`)).toBe(
    '${web.id}: ${web.ip}/16 10.88.0.21 ${web.ip}. ${web.netns}',
  );
  expect(as(`net-${B}-eth0 CNI-DN-${CHAIN} $\{HOME}`)).toBe(
    'net-${id-1:id}-eth0 CNI-DN-${chain-1:hash} $${HOME}',
  );
});

test.each([
  ['web', 'web'],
  ['yes', "'yes'"],
  ["it's", "'it''s'"],
  ['a\n\u202e', '"a\\n\\u202e"'],
])('%j is written as %s', (text, written) => {
  expect(scalarOf(text)).toBe(written);
});

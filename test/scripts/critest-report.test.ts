import { expect, test } from 'vitest';
import { formatReport, readReport } from '../../scripts/critest/report.ts';

const it = (text: string, more: object) => ({
  ContainerHierarchyTexts: ['[k8s.io] Networking', 'pods'],
  LeafNodeType: 'It',
  LeafNodeText: text,
  RunTime: 1_500_000_000,
  ...more,
});
const suite = (...specs: object[]): string => JSON.stringify([{ SpecReports: specs }]);

test('each chosen spec has one outcome, and everything that is not known to be harmless is a failure', () => {
  const json = suite(
    { LeafNodeType: 'BeforeSuite', LeafNodeText: '', State: 'passed' },
    it('passes', { State: 'passed' }),
    it('fails', { State: 'failed', Failure: { Message: '\nExpected 1 to be 2' } }),
    it('panics', { State: 'panicked', Failure: { Message: 'nil' } }),
    it('is new to us', { State: 'melted' }),
    it('skips itself', { State: 'skipped', Failure: { Message: 'AppArmor is disabled on this host' } }),
    it('was not chosen', { State: 'skipped', Failure: {} }),
    { LeafNodeType: 'AfterSuite', LeafNodeText: '', State: 'failed', Failure: { Message: 'no end' } },
  );
  const name = (text: string) => `[k8s.io] Networking pods ${text}`;
  expect(readReport(json)).toEqual([
    { name: name('passes'), outcome: 'passed', message: '', seconds: 1.5 },
    { name: name('fails'), outcome: 'failed', message: 'Expected 1 to be 2', seconds: 1.5 },
    { name: name('panics'), outcome: 'failed', message: 'nil', seconds: 1.5 },
    { name: name('is new to us'), outcome: 'failed', message: '', seconds: 1.5 },
    {
      name: name('skips itself'),
      outcome: 'skipped',
      message: 'AppArmor is disabled on this host',
      seconds: 1.5,
    },
    { name: '[AfterSuite]', outcome: 'failed', message: 'no end', seconds: 0 },
  ]);
});

test('a text that is not a report of a suite is rejected', () => {
  expect(readReport('[]')).toBeUndefined();
  expect(readReport('{"SpecReports": []}')).toBeUndefined();
});

test('a report has the counts, and every spec that did not pass with its reason', () => {
  expect(
    formatReport({
      title: 'critest 1.36.0 on containerd 1.6.4',
      specs: [
        { name: 'a', outcome: 'passed', message: '', seconds: 1 },
        { name: 'b', outcome: 'failed', message: 'Expected\n  1', seconds: 1 },
        { name: 'known', outcome: 'failed', message: 'Expected 2', seconds: 1 },
        { name: 'c', outcome: 'skipped', message: 'AppArmor is disabled', seconds: 1 },
      ],
      leftOut: [{ name: 'd', why: 'its image is not here' }],
      causeOf: (spec) => (spec === 'known' ? 'node: it has no such thing' : undefined),
    }),
  ).toBe(
    [
      'critest 1.36.0 on containerd 1.6.4: 4 specs: 1 passed, 2 failed, 1 skipped, 1 left out',
      '  failed  b',
      '    Expected',
      '      1',
      '  failed  known',
      '    node: it has no such thing',
      '  skipped  c',
      '    AppArmor is disabled',
      '  left out  d',
      '    its image is not here',
      '',
    ].join('\n'),
  );
});

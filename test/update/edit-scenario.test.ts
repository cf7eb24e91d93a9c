import { describe, expect, test } from 'vitest';

import type { BranchCell } from '../../lab/plan/branches.ts';
import { whensFor } from '../../lab/update/branch-when.ts';
import { editScenario, type SiteChanges } from '../../lab/update/edit-scenario.ts';
import type { Change } from '../../lab/update/measured.ts';

const cell = (containerd: string, more: Readonly<Record<string, string>> = {}): BranchCell => ({
  cell: { containerd, ...more },
  versions: { containerd: containerd.replace('debian:', '') },
});
const set = (key: string, value: string): Change => ({ path: [key], value });
const gone = (key: string): Change => ({ path: [key], value: undefined });

const OLD = cell('1.6.2');
const NEW = cell('1.6.4');

/** The new text of the `expect` of the first step. */
function step(lines: string, cells: SiteChanges['cells'], whens: SiteChanges['whens'] = [undefined]): string {
  const head = 'name: s\nsteps:\n';
  const text = `${head}${lines}`;
  const after = editScenario(text, [{ site: { at: 'step', number: '1' }, whens, cells }]);
  expect(after.startsWith(head)).toBe(true);
  return after.slice(head.length);
}
const all = (...changes: readonly Change[]): SiteChanges['cells'] => [{ cell: OLD, branch: 0, changes }];

describe('one branch', () => {
  test('gets another value, and everything else stays the same', () => {
    expect(
      step(
        `  - run-pod:   web   # why\n    expect: { error:  'old',   pod: { ips: 1 } } # so\n`,
        all(set('error', 'new')),
      ),
    ).toBe(`  - run-pod:   web   # why\n    expect: { error: new,   pod: { ips: 1 } } # so\n`);
  });

  test('with several lines keeps the comments of its other keys', () => {
    const before = `  - stop-pod: web\n    expect:\n      # first\n      error: 'old' # a\n      left-behind:\n        netns: 1\n        veth: 1\n\n      # then\n      log: text\n`;
    expect(step(before, all(set('error', 'new'), set('left-behind', '{ netns: 2 }')))).toBe(
      `  - stop-pod: web\n    expect:\n      # first\n      error: new # a\n      left-behind: { netns: 2 }\n\n      # then\n      log: text\n`,
    );
  });

  test('loses one key and gets another', () => {
    const changes = [gone('ok'), set('error', 'new')];
    expect(step(`  - run-pod: web\n    expect: { ok: true, pod: { ips: 1 } }\n`, all(...changes))).toBe(
      `  - run-pod: web\n    expect: { pod: { ips: 1 }, error: new }\n`,
    );
    expect(step(`  - run-pod: web\n    expect:\n      ok: true\n`, all(...changes))).toBe(
      `  - run-pod: web\n    expect:\n      { error: new }\n`,
    );
    expect(step(`  - run-pod: web\n    expect: { error: old }\n`, all(gone('error')))).toBe(
      `  - run-pod: web\n    expect: { ok: true }\n`,
    );
    expect(step(`  - run-pod: web\n    expect: { pod: { ips: 1 }, error: old }\n`, all(gone('error')))).toBe(
      `  - run-pod: web\n    expect: { pod: { ips: 1 } }\n`,
    );
  });

  test('has changes below a key: one pod of several, one line of the log', () => {
    const changes: readonly Change[] = [
      { path: ['pods', 'b', 'state'], value: 'ready' },
      { path: ['log', '1'], value: '{ message: new }' },
    ];
    expect(
      step(
        `  - run-pod: web\n    expect:\n      pods: { a: { ips: 1 }, b: { ips: 1 } }\n      log:\n        - one # a\n        - message: two\n          level: info\n`,
        all(...changes),
      ),
    ).toBe(
      `  - run-pod: web\n    expect:\n      pods: { a: { ips: 1 }, b: { ips: 1, state: ready } }\n      log:\n        - one # a\n        - { message: new }\n`,
    );
    const [, log] = changes;
    expect(
      step(`  - run-pod: web\n    expect: { log: one }\n`, all({ path: ['log', '0'], value: log?.value })),
    ).toBe(`  - run-pod: web\n    expect: { log: { message: new } }\n`);
  });

  test('loses items of a list, and the list with its last item', () => {
    const without = (key: string, ...items: readonly number[]) =>
      all(...items.map((index): Change => ({ path: [key, String(index)], value: undefined })));
    const lines = `  - run-pod: web\n    expect:\n      no-calls: [a ADD, b ADD, c ADD] # so\n      pods: none\n`;
    expect(step(lines, without('no-calls', 0, 2))).toBe(lines.replace('a ADD, b ADD, c ADD', 'b ADD'));
    expect(step(lines, without('no-calls', 0, 1, 2))).toBe(
      `  - run-pod: web\n    expect:\n      pods: none\n`,
    );
    const block = `  - run-pod: web\n    expect:\n      calls:\n        - a ADD # one\n        - plugin: b\n          verb: ADD\n        - c ADD\n`;
    expect(step(block, without('calls', 1))).toBe(
      `  - run-pod: web\n    expect:\n      calls:\n        - a ADD # one\n        - c ADD\n`,
    );
    expect(step(`  - run-pod: web\n    expect: { no-log: one }\n`, without('no-log', 0))).toBe(
      `  - run-pod: web\n    expect: { ok: true }\n`,
    );
    const changes: readonly Change[] = [
      { path: ['no-log', '0'], value: undefined },
      { path: ['log'], value: '{ message: one }' },
    ];
    expect(step(`  - run-pod: web\n    expect: { no-log: one }\n`, all(...changes))).toBe(
      `  - run-pod: web\n    expect: { log: { message: one } }\n`,
    );
  });

  test('is added to a step without one, in the step’s style', () => {
    const cells = [{ cell: OLD, branch: undefined, changes: [gone('ok'), set('error', 'new')] }];
    expect(step(`  - run-pod: web # a\n\n  # b\n  - stop-pod: web\n`, cells, [])).toBe(
      `  - run-pod: web # a\n    expect: { error: new }\n\n  # b\n  - stop-pod: web\n`,
    );
    expect(step(`  - { run-pod: web }\n`, cells, [])).toBe(`  - { run-pod: web, expect: { error: new } }\n`);
    expect(step(`  - exec:\n      - true\n    timeout: 5s`, cells, [])).toBe(
      `  - exec:\n      - true\n    timeout: 5s\n    expect: { error: new }`,
    );
  });
});

describe('if cells differ', () => {
  const differ = (branch: number | undefined): SiteChanges['cells'] => [
    { cell: OLD, branch, changes: [gone('ok'), set('error', 'new')] },
    { cell: NEW, branch, changes: [] },
  ];

  test('one branch becomes two, by version', () => {
    const after = `    expect:\n      - when: { containerd: '<1.6.4' }\n        pod: { ips: 1 }\n        error: new\n      - when: { containerd: '>=1.6.4' }\n        ok: true\n        pod: { ips: 1 }\n`;
    expect(step(`  - run-pod: web\n    expect: { ok: true, pod: { ips: 1 } }\n`, differ(0))).toBe(
      `  - run-pod: web\n${after}`,
    );
    expect(step(`  - run-pod: web\n    expect:\n      ok: true\n      pod: { ips: 1 }\n`, differ(0))).toBe(
      `  - run-pod: web\n${after}`,
    );
  });

  test('a branch in a list is divided, and the others stay the same', () => {
    const before = `  - run-pod: web\n    expect:\n      - when: { containerd: '>=2' } # new\n        ok: true\n      # old\n      - when: { containerd: '<2' }\n        ok: true # so\n`;
    const cells = differ(1);
    expect(step(before, cells, [{ containerd: '>=2' }, { containerd: '<2' }])).toBe(
      `  - run-pod: web\n    expect:\n      - when: { containerd: '>=2' } # new\n        ok: true\n      # old\n      - when: { containerd: '<1.6.4' }\n        error: new\n      - when: { containerd: '>=1.6.4 <2' }\n        ok: true # so\n`,
    );
  });

  test('a step without expectations gets branches, in its own style', () => {
    expect(step(`  - run-pod: web\n`, differ(undefined), [])).toBe(
      `  - run-pod: web\n    expect:\n      - when: { containerd: '<1.6.4' }\n        error: new\n      - when: { containerd: '>=1.6.4' }\n        ok: true\n`,
    );
    expect(step(`  - { run-pod: web }\n`, differ(undefined), [])).toBe(
      `  - { run-pod: web, expect: [{ when: { containerd: '<1.6.4' }, error: new }, { when: { containerd: '>=1.6.4' }, ok: true }] }\n`,
    );
  });

  test('but nothing distinguishes them, the file stays the same', () => {
    const cells = [
      { cell: cell('1.7.24'), branch: 0, changes: [set('ok', 'false')] },
      { cell: cell('debian:1.7.24'), branch: 0, changes: [] },
    ];
    expect(() => step(`  - run-pod: web\n    expect: { ok: true }\n`, cells)).not.toThrow();
    const same = cells.map((one) => ({ ...one, cell: { ...one.cell, cell: {} } }));
    expect(() => step(`  - run-pod: web\n    expect: { ok: true }\n`, same)).toThrow(
      'cells differ that no version and no axis of the matrix distinguishes',
    );
  });
});

describe('an alias', () => {
  const text = `steps:\n  - run-pod: a\n    expect: &e { error: old }\n  - run-pod: b\n    expect: *e\n`;
  const site = (index: number, changes: readonly Change[]): SiteChanges => ({
    site: { at: 'step', number: String(index + 1) },
    whens: [undefined],
    cells: [{ cell: OLD, branch: 0, changes }],
  });

  test('changes with its anchor if both have the same result', () => {
    const changes = [set('error', 'new')];
    expect(editScenario(text, [site(0, changes), site(1, changes)])).toBe(text.replace('old', 'new'));
  });

  test('stays if one of the two is correct', () => {
    expect(() => editScenario(text, [site(0, []), site(1, [set('error', 'new')])])).toThrow(
      'the expectation in line 3 stands in several places by an alias',
    );
  });
});

describe('the end of a file', () => {
  const end = (cells: SiteChanges['cells'], node?: string): SiteChanges => ({
    site: { at: 'end', node },
    whens: [],
    cells,
  });
  test('gets an expectation below everything else', () => {
    const cells = [
      { cell: OLD, branch: undefined, changes: [set('left-behind', 'none'), set('pods', 'none')] },
    ];
    expect(editScenario('steps: []\n', [end(cells)])).toBe(
      'steps: []\n\nexpect: { left-behind: none, pods: none }\n',
    );
    expect(editScenario('steps: []\n', [end(cells, 'a'), end(cells, 'b')])).toBe(
      'steps: []\n\nexpect:\n  - { on: a, left-behind: none, pods: none }\n  - { on: b, left-behind: none, pods: none }\n',
    );
  });
});

describe('the branches of groups of cells', () => {
  const cells = ['1.5.13', '1.6.4', '1.6.9', 'debian:1.6.20', '1.6.37', '1.7.22', '2.4.2'].map((one) =>
    cell(one),
  );
  const pick = (...indexes: readonly number[]) => indexes.flatMap((index) => cells[index] ?? []);

  test('are ranges, from one cliff to the next', () => {
    expect(whensFor([pick(0, 1, 4, 6), pick(2, 3), pick(5)])).toEqual([
      [{ containerd: '<1.6.9 || >=1.6.37 <1.7.22 || >=2.4.2' }],
      [{ containerd: '>=1.6.9 <1.6.37' }],
      [{ containerd: '>=1.7.22 <2.4.2' }],
    ]);
  });

  test('stay within the range that was divided', () => {
    expect(whensFor([pick(0), pick(1, 2)], { containerd: '<1.6.10 || >=9' })).toEqual([
      [{ containerd: '<1.6.4' }],
      [{ containerd: '>=1.6.4 <1.6.10' }],
    ]);
  });

  test('distinguish cells of two runtimes by runtime first', () => {
    const onCrio = (crio: string): BranchCell => ({ cell: { crio }, versions: { crio } });
    expect(whensFor([[OLD, onCrio('1.24.0')], [NEW]])).toEqual([
      [{ containerd: '<1.6.4' }, { crio: '*' }],
      [{ containerd: '>=1.6.4' }],
    ]);
    expect(whensFor([[OLD, NEW], [onCrio('1.24.0')], [onCrio('1.34.0')]])).toEqual([
      [{ containerd: '*' }],
      [{ crio: '<1.34.0' }],
      [{ crio: '>=1.34.0' }],
    ]);
  });

  test('are values of an axis without versions, and of two axes if one is not enough', () => {
    const axes = ['1.6.4', '2.4.2'].flatMap((version) =>
      ['strict', 'loose'].map((filter) => cell(version, { filter })),
    );
    const [a, b, c, d] = axes as [BranchCell, BranchCell, BranchCell, BranchCell];
    expect(
      whensFor([
        [a, c],
        [b, d],
      ]),
    ).toEqual([[{ filter: 'strict' }], [{ filter: 'loose' }]]);
    expect(whensFor([[a, b, c], [d]])).toEqual([
      [{ containerd: '1.6.4' }, { containerd: '2.4.2', filter: 'strict' }],
      [{ containerd: '2.4.2', filter: 'loose' }],
    ]);
  });
});

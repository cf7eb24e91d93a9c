import { describe, expect, test } from 'vitest';

import type { JsonObject } from '../../../lab/core/content.ts';
import { configNote, unreadConfig } from '../../../lab/nodes/runtimes/containerd/config-read.ts';
import { judge } from '../../rig/judged.ts';
import { at, journalOf, planned, ran, result, runPod } from '../../rig/recorded-run.ts';
import { withNode } from '../../rig/only-node.ts';

const DUMP = ['containerd', 'config', 'dump'];
const dump1 = (stdout: string) => ({ version: '1.6.4', dump: result(DUMP, { stdout }), log: '' });
const dump2 = (stderr: string, log = '') => ({ version: '2.2.2', dump: result(DUMP, { stderr }), log });

describe('containerd 1.x prints what it has read', () => {
  const printed = `version = 2
disabled_plugins = []

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    restrict_oom_score_adj = true
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/opt/cni/bin"
      ip_pref = "cni"
`;

  test('a complete configuration is read', () => {
    const config = {
      plugins: { 'io.containerd.grpc.v1.cri': { cni: { ip_pref: 'cni' } } },
      disabled_plugins: [],
    };
    expect(unreadConfig(config, dump1(printed))).toBeUndefined();
  });

  test('a misspelt key is not read', () => {
    const config = { plugins: { 'io.containerd.grpc.v1.cri': { cni: { ip_perf: 'cni' }, x: { y: 1 } } } };
    expect(unreadConfig(config, dump1(printed))).toEqual({
      message:
        'containerd 1.6.4 does not read plugins."io.containerd.grpc.v1.cri".cni.ip_perf and 1 more of runtime-config',
      detail: ['plugins."io.containerd.grpc.v1.cri".x'],
    });
  });

  test('a table of 2.x is not read, and the message has a form that both versions read', () => {
    const config = { plugins: { 'io.containerd.cri.v1.runtime': { cni: { ip_pref: 'cni' } } } };
    expect(unreadConfig(config, dump1(printed))).toEqual({
      message: 'containerd 1.6.4 does not read plugins."io.containerd.cri.v1.runtime" of runtime-config',
      detail: ['`cri: { … }` in runtime-config goes to the table that each version reads'],
    });
  });

  test('a key in a table that is printed empty is not reported as unread', () => {
    const config = { plugins: { 'io.containerd.grpc.v1.cri': { cni: { options: { Root: '/x' } } } } };
    expect(
      unreadConfig(config, dump1(`${printed}      [plugins."io.containerd.grpc.v1.cri".cni.options]\n`)),
    ).toBeUndefined();
  });

  test('empty values are ignored, because some of them are not printed', () => {
    expect(unreadConfig({ plugins: { other: {} }, debug: { level: '' } }, dump1(printed))).toBeUndefined();
  });
});

describe('containerd 2.x logs what it skips', () => {
  const ignoring = (words: string) =>
    `time="2026-01-01T00:00:00Z" level=warning msg="Ignoring unknown key in TOML${words}\n`;
  const loading = (id: string) =>
    `time="2026-01-01T00:00:00Z" level=info msg="loading plugin" id=${id} type=x\n`;

  test('a table of 1.x is reported', () => {
    const config = { plugins: { 'io.containerd.grpc.v1.cri': { cni: { ip_pref: 'cni' } } } };
    const said = ignoring(' for plugin" error="strict mode" key=cni plugin=io.containerd.grpc.v1.cri');
    expect(unreadConfig(config, dump2(said))).toEqual({
      message: 'containerd 2.2.2 does not read plugins."io.containerd.grpc.v1.cri".cni of runtime-config',
      detail: ['`cri: { … }` in runtime-config goes to the table that each version reads'],
    });
  });

  test('a misspelt key is reported, at the top or in a table that containerd migrated', () => {
    const config = { debug: { levle: 'debug' }, plugins: { 'io.containerd.grpc.v1.cri': { bogus: 1 } } };
    const said =
      ignoring('" column=3 error="strict mode" file=/etc/containerd/config.toml key="debug levle" row=16') +
      ignoring(' for plugin" error="strict mode" key=bogus plugin=io.containerd.cri.v1.runtime');
    expect(unreadConfig(config, dump2(said))?.detail[0]).toBe('plugins."io.containerd.grpc.v1.cri".bogus');
    expect(unreadConfig(config, dump2(said))?.message).toContain('does not read debug.levle and 1 more');
  });

  test('a file with the tables of both generations has one of them for each version', () => {
    const both = {
      plugins: {
        'io.containerd.grpc.v1.cri': { cni: { ip_pref: 'cni' } },
        'io.containerd.cri.v1.runtime': { cni: { ip_pref: 'cni' } },
      },
    };
    const said = ignoring(' for plugin" error="strict mode" key=cni plugin=io.containerd.grpc.v1.cri');
    expect(unreadConfig(both, dump2(said))).toBeUndefined();
  });

  test('settings that are not in the file are not reported', () => {
    const said = ignoring(' for plugin" error="strict mode" key=bin_dir plugin=io.containerd.cri.v1.runtime');
    expect(unreadConfig({ debug: { level: 'debug' } }, dump2(said))).toBeUndefined();
  });

  test('a table for a plugin that does not exist, which containerd skips silently, is reported', () => {
    const config = {
      plugins: { 'io.containerd.nope.v1.x': { a: 1 }, 'io.containerd.gc.v1.scheduler': { b: 1 } },
    };
    const log = loading('io.containerd.gc.v1.scheduler');
    expect(unreadConfig(config, dump2('', log))?.message).toBe(
      'containerd 2.2.2 does not read plugins."io.containerd.nope.v1.x" of runtime-config',
    );
    expect(unreadConfig(config, dump2('', ''))).toBeUndefined(); // a log that does not show what is loaded
    expect(
      unreadConfig({ ...config, disabled_plugins: ['io.containerd.nope.v1.x'] }, dump2('', log)),
    ).toBeUndefined();
  });
});

const [CRI_OF_1, CRI_OF_2] = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.runtime'];
const ROLES = '`cri: { … }` in runtime-config goes to the table that each version reads';
const note = (version: string, plugins: JsonObject, more: JsonObject = {}) =>
  configNote({ plugins, ...more }, version);

test('before a run, a table of the other generation is noted only if this generation has none', () => {
  const cni = { cni: { ip_pref: 'cni' } };
  expect(note('2.1.9', { [CRI_OF_1]: cni })).toBe(
    `plugins."${CRI_OF_1}" is a table of containerd 1.x and may not be read; ${ROLES}`,
  );
  expect(note('1.6.4', { [CRI_OF_2]: cni })).toBe(
    `plugins."${CRI_OF_2}" is a table of containerd 2.x and may not be read; ${ROLES}`,
  );
  expect(note('1.6.4', { [CRI_OF_1]: cni })).toBeUndefined();
  expect(note('2.1.9', { [CRI_OF_2]: cni, [CRI_OF_1]: cni })).toBeUndefined();
  expect(note('2.1.9', { [CRI_OF_1]: cni }, { cri: { enable_selinux: false } })).toBeUndefined();
  expect(note('2.1.9', { [CRI_OF_1]: { stream_server_port: '0' } })).toBeUndefined();
  expect(note('2.1.9', { 'io.containerd.gc.v1.scheduler': {} })).toBeUndefined();
});

describe('a run whose configuration is not read', () => {
  const plain = planned({ steps: [[runPod]] });
  const run = withNode(plain, {
    runtimeConfig: { plugins: { nope: { a: 1 } } },
    runtimeConfigPlace: at(7),
  });
  const judged = (...seen: Parameters<typeof ran>[1][]) => {
    const entries = journalOf(run, { afterStart: seen.map((one) => ran('start', one)) });
    const { outcome, findings } = judge(run, entries);
    return { outcome, first: findings[0] };
  };

  test('has a warning, because containerd skips what it does not know', () => {
    expect(judged(result(DUMP, { stdout: 'version = 2\n' }))).toEqual({
      outcome: 'pass',
      first: {
        check: 'ran',
        outcome: 'pass',
        warning: true,
        stepId: 'start',
        place: at(7),
        message: 'containerd 1.6.3 does not read plugins of runtime-config',
        detail: [],
      },
    });
  });

  test('is inconclusive if the journal does not have the answer, and has a warning if containerd did not answer', () => {
    const unknown = 'the journal does not show what containerd read of its configuration';
    expect(judged()).toMatchObject({ outcome: 'inconclusive', first: { message: unknown } });
    expect(judged(result(DUMP, { exitCode: 1, stderr: 'no such flag\n' }))).toMatchObject({
      outcome: 'pass',
      first: {
        warning: true,
        message: 'it is not known what containerd 1.6.3 reads of its configuration: no such flag',
      },
    });
  });
});

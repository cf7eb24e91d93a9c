import { describe, expect, test } from 'vitest';

import type { RuntimeState } from '../../lab/core/node-state.ts';
import { judge } from '../rig/judged.ts';
import type { PlannedNode } from '../../lab/plan/plan.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import type { JournalEntry, Observation } from '../../lab/observe/observation.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import { did, expecting, journalOf, line, planned } from '../rig/recorded-run.ts';
import { withNode } from '../rig/only-node.ts';

const exec: PlannedAction = { do: 'exec', argv: ['true'] };
const crash = (stepId: string): Observation => ({
  kind: 'runtime-ended',
  stepId,
  asked: false,
  exitCode: null,
  signal: 'SIGKILL',
});

interface Taken {
  readonly action: PlannedAction;
  readonly expect?: Partial<Expectation>;
  readonly runtime: RuntimeState;
  readonly crashed?: boolean;
  readonly failed?: boolean;
}

/** The findings about containerd, step by step. */
function outcomes(...taken: readonly Taken[]): readonly string[] {
  const run = planned({ steps: taken.map(({ action, expect = {} }) => [action, expecting(expect)]) });
  const steps = taken.map(({ action, runtime, crashed, failed }, index) => {
    const stepId = `${index + 1}-${action.do}`;
    const seen = did(action, stepId)
      .filter(({ kind }) => failed !== true || kind === 'waited')
      .map((one) => (one.kind === 'waited' && failed === true ? { ...one, met: false } : one));
    return { runtime, seen: [...seen, ...(crashed === true ? [crash(stepId)] : [])] };
  });
  return judge(run, journalOf(run, { steps }))
    .findings.filter(({ check }) => check === 'runtime' || check === 'ok')
    .map(({ check, outcome, stepId, message }) => `${stepId} ${check} ${outcome}: ${message}`)
    .filter((text) => !text.includes('ok pass'));
}

describe('containerd', () => {
  test('has no finding while it runs', () => {
    expect(outcomes({ action: exec, runtime: 'running' })).toEqual([]);
  });

  test('that ends by itself fails the step in which it ends, even if the step has other expectations', () => {
    const crashed = { action: exec, runtime: 'ended', crashed: true } as const;
    const message = '1-exec runtime fail: containerd ended by itself (SIGKILL), expected running';
    expect(outcomes(crashed)).toEqual([message]);
    expect(outcomes({ ...crashed, expect: { exitCode: 0 } })).toEqual([message]);
    expect(outcomes({ ...crashed, runtime: 'running' })).toEqual([message]); // the event came after the look
    expect(outcomes(crashed, { action: exec, runtime: 'ended' })).toEqual([message]);
    expect(outcomes({ action: exec, runtime: 'ended' })).toEqual([
      '1-exec runtime fail: containerd is ended, expected running',
    ]);
  });

  test('can be expected to end', () => {
    const expect_ = { runtime: 'ended' } as const;
    expect(outcomes({ action: exec, expect: expect_, runtime: 'ended', crashed: true })).toEqual([
      '1-exec runtime pass: containerd is ended, as expected',
    ]);
    expect(outcomes({ action: exec, expect: expect_, runtime: 'running' })).toEqual([
      '1-exec runtime fail: containerd is running, expected ended',
    ]);
  });

  test('is expected as the steps have left it', () => {
    expect(
      outcomes(
        { action: { do: 'kill-runtime' }, runtime: 'ended' },
        { action: exec, runtime: 'ended' },
        { action: { do: 'start-runtime' }, runtime: 'running' },
        { action: exec, runtime: 'running' },
      ),
    ).toEqual([]);
    expect(outcomes({ action: { do: 'stop-runtime' }, runtime: 'running' })).toEqual([
      '1-stop-runtime runtime fail: containerd is running, expected ended',
    ]);
  });

  test('after a step without a look its earlier state is not known', () => {
    const actions: readonly PlannedAction[] = [{ do: 'kill-runtime' }, { do: 'start-runtime' }, exec];
    const run = planned({ steps: actions.map((action) => [action]) });
    const whole = journalOf(run, {
      steps: [{ runtime: 'ended' }, { runtime: 'running' }, { runtime: 'running' }],
    });
    expect(judge(run, whole).outcome).toBe('pass');
    const without = whole.filter((entry) => !(entry.kind === 'look' && entry.stepId === '2-start-runtime'));
    const { outcome, findings } = judge(run, without);
    expect(outcome).toBe('inconclusive');
    expect(findings.filter(({ check }) => check === 'runtime')).toEqual([]);
  });

  test('that does not answer a look is inconclusive', () => {
    expect(outcomes({ action: exec, runtime: 'not-ready' })).toEqual([
      '1-exec runtime inconclusive: containerd did not answer the look after this step, expected running',
    ]);
  });

  test('that does not answer a look is expected to be what it was before in the next step', () => {
    const silent =
      '1-exec runtime inconclusive: containerd did not answer the look after this step, expected running';
    expect(outcomes({ action: exec, runtime: 'not-ready' }, { action: exec, runtime: 'running' })).toEqual([
      silent,
    ]);
    expect(outcomes({ action: exec, runtime: 'not-ready' }, { action: exec, runtime: 'ended' })).toEqual([
      silent,
      '2-exec runtime fail: containerd is ended, expected running',
    ]);
    const [stop, start] = [{ do: 'stop-runtime' }, { do: 'start-runtime' }] as const;
    expect(
      outcomes(
        { action: stop, runtime: 'ended' },
        { action: start, runtime: 'not-ready' },
        { action: exec, runtime: 'running' },
      ),
    ).toEqual([
      '2-start-runtime runtime inconclusive: containerd did not answer the look after this step, expected running',
    ]);
    expect(
      outcomes(
        { action: exec, runtime: 'not-ready', expect: { runtime: 'not-ready' } },
        { action: exec, runtime: 'running' },
      ),
    ).toContain('2-exec runtime fail: containerd is running, expected not-ready');
  });

  test('that does not start is reported once, and can be expected', () => {
    const start = { action: { do: 'start-runtime' }, failed: true, crashed: true } as const;
    const stop = { action: { do: 'stop-runtime' }, runtime: 'ended' } as const;
    expect(outcomes(stop, { ...start, runtime: 'ended' })).toEqual([
      '2-start-runtime ok fail: failed, expected success',
    ]);
    expect(outcomes(stop, { ...start, runtime: 'ended', expect: { runtime: 'ended' } })).toEqual([
      '2-start-runtime runtime pass: containerd is ended, as expected',
    ]);
    expect(outcomes(stop, { ...start, runtime: 'ended', expect: { runtime: 'not-ready' } })).toEqual([
      '2-start-runtime runtime fail: containerd ended by itself (SIGKILL), expected not-ready',
    ]);
  });
});

describe('the first start', () => {
  const said = 'containerd on lab-1 ended with 1 before it answered\nits log says\ncontainerd: no such key';
  const failing = (
    more: {
      readonly config?: PlannedNode['runtimeConfig'];
      readonly start?: Expectation;
      readonly log?: string;
    } = {},
  ): readonly string[] => {
    const plain = planned({ steps: [[exec]] });
    const run = withNode(plain, {
      runtimeConfig: more.config ?? {},
      ...(more.start === undefined ? {} : { start: more.start }),
    });
    const start: readonly JournalEntry[] = [
      {
        kind: 'waited',
        stepId: 'start',
        what: 'containerd to answer',
        met: false,
        timedOut: false,
        lastSeen: said,
        waitedMs: 9,
        atMs: 0,
      },
      { ...crash('start'), atMs: 0 },
    ];
    const entries = journalOf(run, { startLog: more.log ?? 'containerd: no such key\n' }).flatMap((entry) => {
      if (entry.kind === 'look') return [{ ...entry, runtime: 'ended' as const }];
      if (entry.kind === 'run-ended') return [{ ...entry, entries: entry.entries + start.length }];
      return entry.kind === 'node-ready' ? [entry, ...start] : [entry];
    });
    return judge(run, entries)
      .findings.filter(({ stepId }) => stepId === 'start')
      .map(({ check, outcome, message, detail = [] }) =>
        [`${check} ${outcome}: ${message}`, ...detail].join('\n'),
      );
  };

  test('that fails because of the file’s configuration is a failure, with the log line', () => {
    expect(failing({ config: { debug: {} } })).toEqual([
      `runtime fail: containerd ended by itself (SIGKILL), expected running\n${said}`,
    ]);
  });

  test('that fails with a reason of its own is a failure of this version', () => {
    const failed = [`runtime fail: containerd ended by itself (SIGKILL), expected running\n${said}`];
    expect(failing()).toEqual(failed);
    expect(failing({ log: 'level=fatal msg="no such root"\n' })).toEqual(failed);
  });

  test('that fails without a reason, or because the node refuses something, is inconclusive unless the file configures it', () => {
    const inconclusive = (why: string) => [
      `runtime inconclusive: containerd ended by itself (SIGKILL), expected running; ${why}, and the file does not configure it\n${said}`,
    ];
    const refused = 'containerd: mount: operation not permitted\n';
    expect(failing({ log: 'level=info msg=hello\n' })).toEqual(inconclusive('its log does not say why'));
    expect(failing({ log: refused })).toEqual(inconclusive('it may be the node that refused'));
    expect(failing({ log: refused, config: { debug: {} } })).toHaveLength(1);
    expect(failing({ log: refused, config: { debug: {} } })[0]).toMatch(/^runtime fail: /);
  });

  test('can be expected to fail, with its log', () => {
    expect(
      failing({ start: expecting({ runtime: 'ended', log: [line('containerd: no such key')] }) }),
    ).toEqual(['runtime pass: containerd is ended, as expected', 'log pass: the line is there, as expected']);
    expect(failing({ start: expecting({ runtime: 'not-ready' }) })).toEqual([
      `runtime fail: containerd ended by itself (SIGKILL), expected not-ready\n${said}`,
    ]);
  });
});

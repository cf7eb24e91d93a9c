import { describe, expect, test } from 'vitest';

import type { Clock } from '../../lab/core/ports.ts';
import type { LabEvent } from '../../lab/events.ts';
import type { Screen } from '../../lab/report/reporter.ts';
import { createTerminalReporter } from '../../lab/report/terminal.ts';
import { brokenOff, failing, passing, session, tell } from '../rig/sessions.ts';

/** A clock whose sleepers wake when a test lets time pass. */
function fakeClock(): Clock & { pass(ms: number): Promise<void> } {
  let nowMs = 0;
  let sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => nowMs,
    date: () => new Date(nowMs),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push({ untilMs: nowMs + ms, wake: resolve });
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      }),
    async pass(ms) {
      nowMs += ms;
      const due = sleepers.filter(({ untilMs }) => untilMs <= nowMs);
      sleepers = sleepers.filter(({ untilMs }) => untilMs > nowMs);
      for (const { wake } of due) wake();
      await settled();
    },
  };
}

function paper(more: Partial<Screen> = {}): { screen: Screen; text: () => string } {
  let text = '';
  const write = (more_: string) => void (text += more_);
  const screen: Screen = {
    write,
    draw: write,
    isTerminal: false,
    color: false,
    columns: 100,
    ...more,
  };
  return { screen, text: () => text };
}

async function printed(
  events: readonly LabEvent[],
  more: { screen?: Partial<Screen>; verbose?: boolean } = {},
): Promise<string> {
  const { screen, text } = paper(more.screen);
  await tell(createTerminalReporter({ screen, clock: fakeClock(), verbose: more.verbose ?? false }), events);
  return text();
}

describe('a session', () => {
  test('that passes has one line per run, the matrix and the totals', async () => {
    expect(await printed(session([passing('1.6.0'), passing('1.6.10')]))).toBe(
      `
2 runs on bare, 2 at a time
pass  reserved containerd=1.6.0     0.61 s
pass  reserved containerd=1.6.10    0.61 s

reserved
  containerd  1.6.0  1.6.10
              pass   pass

2 passed in 1.92 s; recorded in /out/s1
`.slice(1),
    );
  });

  test('of one run has no matrix', async () => {
    expect(await printed(session([passing('1.6.0')]))).toBe(
      `
1 run on bare
pass  reserved containerd=1.6.0    0.61 s
1 passed in 1.92 s; recorded in /out/s1
`.slice(1),
    );
  });

  test('that does not pass shows everything important about its failures', async () => {
    const { run } = passing('1.6.4');
    expect(await printed(session([passing('1.6.0'), failing('1.6.3'), brokenOff('1.6.2')], [run]))).toBe(
      `
4 runs on bare, 2 at a time
pass  reserved containerd=1.6.0    0.61 s
fail  reserved containerd=1.6.3    0.61 s
      a pod
      1-run-pod: error differs at character 9
        at web.yaml:21:5
          expected  name "web" is reserved for "\${web.id}"
          actual    name "wed" is reserved for "<web>"
                            ^ first difference
          command exited with 1: crictl runp /lab/pods/web.json
          to expect it  error: 'name "wed" is reserved for "\${web.id}"'
          log  10:00:00.250 error two
      made of     containerd 1.6.3 (gomod)
      everything  cnilab judge --verbose /out/s1/reserved-containerd-1.6.3

inconclusive  reserved containerd=1.6.2    0.61 s
      2-stop-pod: the run did not come to its end: during the steps: the agent <went> away
        at web.yaml:11:5
          not taken to the end: 2-stop-pod
      made of     containerd 1.6.2 (gomod)
      everything  cnilab judge --verbose /out/s1/reserved-containerd-1.6.2

reserved
  containerd  1.6.0  1.6.3  1.6.2         1.6.4
              pass   fail   inconclusive  not run

1 passed, 1 failed, 1 inconclusive, 1 not run in 1.92 s; recorded in /out/s1
`.slice(1),
    );
  });

  test('has its steps and passed findings in verbose mode', async () => {
    expect(await printed(session([passing('1.6.0')]), { verbose: true })).toBe(
      `
1 run on bare
      reserved containerd=1.6.0  1-run-pod
      reserved containerd=1.6.0  2-stop-pod
pass  reserved containerd=1.6.0    0.61 s
      1-run-pod: error is exactly as expected
      2-stop-pod: succeeded, as expected
      end: every step was taken
      end: nothing went wrong in taking the node down
1 passed in 1.92 s; recorded in /out/s1
`.slice(1),
    );
  });

  test('shows how to enter and end a kept node, and the notices meanwhile', async () => {
    const [started, ...events] = session([passing('1.6.0')]);
    const kept = [{ enter: ['cnilab', 'enter', 'lab-1'], end: ['cnilab', 'down', 'lab-1'] }];
    const told = events.map((event) => (event.kind === 'run-ended' ? { ...event, kept } : event));
    if (started === undefined) throw new Error('a session begins');
    expect(
      await printed([
        started,
        { kind: 'notice', message: 'a note' },
        { kind: 'interrupted', by: 'SIGINT' },
        ...told,
      ]),
    ).toBe(
      `
1 run on bare
a note
SIGINT: everything is being taken down; a second one does not wait for it
pass  reserved containerd=1.6.0    0.61 s
      the node was kept
        enter it  cnilab enter lab-1
        end it    cnilab down lab-1
1 passed in 1.92 s; recorded in /out/s1
`.slice(1),
    );
  });

  test('has colours only if the screen has them', async () => {
    expect(await printed(session([passing('1.6.0')]), { screen: { color: true } })).toContain(
      '\u001b[32mpass\u001b[39m  reserved',
    );
    expect(await printed(session([failing('1.6.0')]))).not.toContain('\u001b');
  });
});

describe('slow work', () => {
  const progress = (how: string, done = false): LabEvent => ({
    kind: 'progress',
    what: 'containerd 1.6.3',
    how,
    done,
  });

  test('is reported after a second, then every twenty seconds, and at its end; quick work is not reported', async () => {
    const { screen, text } = paper();
    const clock = fakeClock();
    const reporter = createTerminalReporter({ screen, clock, verbose: false });
    reporter.on({ ...progress('unpacking'), what: 'runc 1.1.15' } as LabEvent);
    reporter.on(progress('building'));
    await clock.pass(900);
    reporter.on({ ...progress('unpacked', true), what: 'runc 1.1.15' } as LabEvent);
    await clock.pass(100);
    reporter.on(progress('linking'));
    await clock.pass(19_900);
    await clock.pass(100);
    reporter.on(progress('built', true));
    await clock.pass(60_000);
    await reporter.end();
    expect(text()).toBe(
      `
containerd 1.6.3: building (1 s)
containerd 1.6.3: linking (21 s)
containerd 1.6.3: built (21 s)
`.slice(1),
    );
  });

  test('what only waits is counted and has no line of its own; its seconds begin with its turn', async () => {
    const { screen, text } = paper();
    const clock = fakeClock();
    const reporter = createTerminalReporter({ screen, clock, verbose: false });
    const waiting = { ...progress('waiting for its turn'), waiting: true } as LabEvent;
    reporter.on(progress('building'));
    reporter.on({ ...waiting, what: 'containerd 1.6.4' } as LabEvent);
    reporter.on({ ...waiting, what: 'runc 1.1.15' } as LabEvent);
    await clock.pass(1000);
    await clock.pass(20_000);
    reporter.on(progress('built', true));
    reporter.on({ ...progress('building'), what: 'runc 1.1.15' } as LabEvent);
    await clock.pass(20_000);
    reporter.on({ ...progress('built', true), what: 'runc 1.1.15' } as LabEvent);
    await reporter.end();
    expect(text()).toBe(
      `
containerd 1.6.3: building (1 s), 2 more wait
containerd 1.6.3: building (21 s), 2 more wait
containerd 1.6.3: built (21 s)
runc 1.1.15: building (20 s), 1 more waits
runc 1.1.15: built (20 s)
`.slice(1),
    );
  });
});

describe('on a terminal', () => {
  test('the running step is in the last line, redrawn in place and cut to the width', async () => {
    const { screen, text } = paper({ isTerminal: true, columns: 40 });
    await tell(
      createTerminalReporter({ screen, clock: fakeClock(), verbose: false }),
      session([passing('1.6.0')]),
    );
    const clear = '\r\u001b[2K';
    expect(text()).toBe(
      [
        '1 run on bare\n',
        `${clear}0/1  reserved containerd=1.6.0 (start)`,
        `${clear}0/1  reserved containerd=1.6.0 (1-run-p`,
        `${clear}0/1  reserved containerd=1.6.0 (2-stop-`,
        clear,
        'pass  reserved containerd=1.6.0    0.61 s\n',
        `${clear}0/1  reserved containerd=1.6.0 (2-stop-`,
        clear,
        '1 passed in 1.92 s; recorded in /out/s1\n',
      ].join(''),
    );
  });
});

test('a long matrix shows how many runs are left and the time for them, and how long a hanging step has taken', async () => {
  const { screen, text } = paper({ isTerminal: true, columns: 120 });
  const clock = fakeClock();
  const reporter = createTerminalReporter({ screen, clock, verbose: false });
  const cells = Array.from({ length: 60 }, (_, index) => passing(`1.6.${index}`));
  const [started] = session(cells);
  const durationMs = 30_000;
  const eventsOf = (index: number) => session([cells[index] ?? passing('none')]).slice(1, -1);
  const ended = cells
    .slice(0, 6)
    .flatMap((_, index) => eventsOf(index))
    .map((event) => (event.kind === 'run-ended' ? { ...event, durationMs } : event));
  const hanging = eventsOf(6).filter(({ kind }) => kind !== 'run-ended');
  for (const event of [...(started === undefined ? [] : [started]), ...ended, ...hanging]) reporter.on(event);
  for (let seconds = 0; seconds < 7; seconds++) await clock.pass(1000);
  await reporter.end();
  const status = text().split('\r\u001b[2K').at(-2);
  expect(status).toBe('6/60 (about 14 min left)  reserved containerd=1.6.6 (2-stop-pod, 7 s)');
});

test('control characters are escaped, whoever wrote them, and the report’s own colours stay', async () => {
  const hostile = '\u001b[31m\r\u202e\u0085\udcff';
  const { run, entries } = failing('1.6.0');
  const titled = { ...run, title: `reserved ${hostile}`, cell: { containerd: hostile } };
  const said = entries.map((entry) =>
    entry.kind === 'command'
      ? { ...entry, result: { ...entry.result, stderr: `${hostile} ${'A'.repeat(1_000_000)}` } }
      : entry,
  );
  const text = await printed(
    [
      ...session([{ run: titled, entries: said }, passing('1.6.1')]),
      { kind: 'notice', message: hostile },
      { kind: 'progress', what: hostile, how: hostile, done: false },
    ],
    { screen: { color: true } },
  );
  const dyed = [2, 22, 31, 32, 33, 39].reduce((plain, code) => plain.replaceAll(`\u001b[${code}m`, ''), text);
  expect(dyed.match(/[^\P{C}\n]/gu)).toBeNull();
  expect(text.length).toBeLessThan(20_000);
  expect(text).toContain('\\u001b[31m\\u000d\\u202e\\u0085\\udcff');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(2_200);
});

test('a problem of several cells is shown in full once, and at the end with its cells', async () => {
  const told = await printed(
    session([failing('1.6.0'), passing('1.6.1'), failing('1.6.2'), brokenOff('1.6.3')]),
  );
  expect(told.match(/first difference/g)).toHaveLength(1);
  expect(told).toContain(`
fail  reserved containerd=1.6.2    0.61 s
      1-run-pod: error differs at character 9, as in containerd=1.6.0
      made of`);
  expect(told).toContain(`
  1-run-pod: error differs at character 9
    in 2 of 4: containerd=1.6.0, 1.6.2
`);
});

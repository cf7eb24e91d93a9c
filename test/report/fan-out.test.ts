import { expect, test } from 'vitest';

import type { LabEvent } from '../../lab/events.ts';
import { fanOut, type Reporter } from '../../lab/report/reporter.ts';

const event: LabEvent = { kind: 'interrupted', by: 'SIGINT' };
const notice = (name: string, why: string): LabEvent => ({
  kind: 'notice',
  message: `the reporter ${name} broke, so this session is inconclusive: ${why}`,
});

function listener(
  name: string,
  more: Partial<Reporter> = {},
): { reporter: Reporter; received: (LabEvent | 'end')[] } {
  const received: (LabEvent | 'end')[] = [];
  const reporter: Reporter = {
    name,
    on: (one) => void received.push(one),
    end: () => void received.push('end'),
    ...more,
  };
  return { reporter, received };
}
const breaks = (): never => {
  throw new Error('disk full');
};

test('each reporter gets every event and ends once', async () => {
  const [one, two] = [listener('one'), listener('two')];
  const all = fanOut([one.reporter, two.reporter]);
  all.emit(event);
  expect([await all.end(), await all.end()]).toEqual([true, true]);
  expect([one.received, two.received]).toEqual([
    [event, 'end'],
    [event, 'end'],
  ]);
});

test('a reporter that throws gets no more events, the others are notified, and the session fails', async () => {
  const one = listener('terminal');
  const broken = listener('junit', { on: breaks });
  const all = fanOut([one.reporter, broken.reporter]);
  all.emit(event);
  all.emit(event);
  expect(await all.end()).toBe(false);
  expect(one.received).toEqual([event, notice('junit', 'disk full'), event, 'end']);
  expect(broken.received).toEqual([]);
});

test('an error at the end of a reporter is reported to the first one, which ends last', async () => {
  const first = listener('terminal');
  const all = fanOut([
    first.reporter,
    listener('json', { end: () => Promise.reject(new Error('disk full')) }).reporter,
  ]);
  expect(await all.end()).toBe(false);
  expect(first.received).toEqual([notice('json', 'disk full'), 'end']);
});

import { expect, test } from 'vitest';

import { LabError } from '../../lab/core/lab-error.ts';
import { continueGuest } from '../../lab/nodes/backends/vm/saved-guest.ts';

const NOT_YET = `QEMU's monitor: {"class":"GenericError","desc":"Migration is not finalized yet"}`;

/** A monitor that rejects the first commands with these messages. */
function monitor(refusals: readonly string[]) {
  const asked: string[] = [];
  return {
    asked,
    ask(command: string) {
      const refusal = refusals[asked.length];
      asked.push(command);
      return refusal === undefined ? Promise.resolve({}) : Promise.reject(new LabError(refusal));
    },
  };
}

test('a saved guest continues, even if QEMU is not ready for it at once', async () => {
  const qmp = monitor([NOT_YET, NOT_YET]);
  await continueGuest(qmp);
  expect(qmp.asked).toEqual(['cont', 'cont', 'cont']);
});

test.each([
  ['QEMU is gone', [`QEMU's monitor: it is gone`], `QEMU's monitor: it is gone`],
  ['it takes too long', Array<string>(1000).fill(NOT_YET), NOT_YET],
])('a guest that does not continue is an error with the reason: %s', async (_, refusals, why) => {
  await expect(continueGuest(monitor(refusals), 50)).rejects.toThrow(
    new LabError(`the machine does not continue after it was saved: ${why}`),
  );
});

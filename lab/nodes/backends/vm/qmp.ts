import { connect } from 'node:net';

import * as v from 'valibot';

import { LabError } from '../../../core/lab-error.ts';
import { readJson } from '../../../core/machine-json.ts';

/** What QEMU is asked on its monitor: one connection, one command at a time. */
export interface Qmp {
  /** What it returns, or LabError with QEMU's own words. */
  ask(command: string, options?: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): void;
}

/** An answer, or something that nobody asked for. */
const MESSAGE = v.looseObject({ return: v.exactOptional(v.unknown()), error: v.exactOptional(v.unknown()) });

/** https://www.qemu.org/docs/master/interop/qmp-spec.html; events are not for us. */
export async function openQmp(socketHostPath: string): Promise<Qmp> {
  const socket = connect(socketHostPath);
  socket.setEncoding('utf8');
  let waiting:
    { readonly answer: (value: unknown) => void; readonly fail: (error: LabError) => void } | undefined;
  let rest = '';
  const fail = (why: string) => waiting?.fail(new LabError(`QEMU's monitor: ${why}`));
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('it is gone'));
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  const take = (line: string): void => {
    const message = readJson(MESSAGE, line) ?? {};
    if ('return' in message) waiting?.answer(message.return);
    if ('error' in message) fail(JSON.stringify(message.error));
  };
  const ask: Qmp['ask'] = (command, options) =>
    new Promise((answer, refuse) => {
      waiting = { answer, fail: refuse };
      if (socket.destroyed) fail('it is gone');
      else socket.write(`${JSON.stringify({ execute: command, ...(options && { arguments: options }) })}\n`);
    });
  await ask('qmp_capabilities');
  return { ask, close: () => socket.destroy() };
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Finished, Started } from './cnilab.ts';
import { until } from './until.ts';

/** The lines that are written so far in the journals of all runs below an output folder. */
export function journalIn(output: string): readonly Readonly<Record<string, unknown>>[] {
  const files = existsSync(output) ? readdirSync(output, { recursive: true, encoding: 'utf8' }) : [];
  return files
    .filter((name) => name.endsWith('journal.jsonl') && !/(^|\/)latest\//.test(name)) // a link to the same files
    .flatMap((name) => readFileSync(join(output, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** The name of the run's node, as soon as the step runs on it. */
export const nodeInStep = (output: string, stepId: string): Promise<string> =>
  until(`the step ${stepId}`, () => {
    const entries = journalIn(output);
    const node = entries.find(({ kind }) => kind === 'node-ready')?.['name'];
    const taken = entries.some((entry) => entry['kind'] === 'step-started' && entry['stepId'] === stepId);
    return taken && typeof node === 'string' && node;
  });

/** What the lab could not do in the run: during what, and the message. */
export const labFailuresIn = (output: string): readonly unknown[] =>
  journalIn(output).flatMap(({ kind, during, what, message }) =>
    kind === 'lab-failure' || kind === 'cleanup-failure' ? [[during ?? what, message]] : [],
  );

/** Kills a lab as soon as the runs below its own output folder have written so many lines, however fast it is. */
export async function killAtLine(
  { process: lab, finished }: Started,
  { output, line }: { readonly output: string; readonly line: number },
): Promise<Finished> {
  let over = false;
  void finished.then(() => (over = true));
  await until(`line ${line} of the journals`, () => over || journalIn(output).length >= line);
  lab.kill('SIGKILL');
  return finished;
}

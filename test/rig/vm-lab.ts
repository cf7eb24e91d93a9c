import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { parseRecord, type NodeRecord } from '../../lab/nodes/backends/node-records.ts';
import { cnilab, startCnilab, type CnilabOptions, type Finished, type Started } from './cnilab.ts';
import { processesWith } from './host-state.ts';
import { qemuForTests } from './qemu.ts';
import { until } from './until.ts';

/** The real command with a QEMU, and what its machines have on this host. */
export async function vmLab() {
  const env = { CNILAB_QEMU: await qemuForTests() };
  const options = (more: CnilabOptions = {}): CnilabOptions => ({ ...more, env: { ...env, ...more.env } });
  const state = join(ambientWorld().stateHostPath, 'vm-nodes');
  return {
    env,
    cnilab: (args: readonly string[], more?: CnilabOptions): Promise<Finished> => cnilab(args, options(more)),
    start: (args: readonly string[], more?: CnilabOptions): Started => startCnilab(args, options(more)),
    recordOf(name: string): NodeRecord {
      const record = parseRecord(readFileSync(join(state, `${name}.json`), 'utf8'));
      if (record === undefined) throw new Error(`the record of ${name} is none`);
      return record;
    },
    /** processes, records and folders of a machine of this name */
    leftOf: (name: string): readonly string[] => [
      ...processesWith(name),
      ...(existsSync(state) ? readdirSync(state).filter((entry) => entry.startsWith(name)) : []),
    ],
  };
}

/** The lines of the journal of the one run below an output folder, as far as it has come. */
export function journalIn(output: string): readonly Readonly<Record<string, unknown>>[] {
  const path = existsSync(output)
    ? readdirSync(output, { recursive: true, encoding: 'utf8' }).find((name) =>
        name.endsWith('journal.jsonl'),
      )
    : undefined;
  if (path === undefined) return [];
  const whole = readFileSync(join(output, path), 'utf8').split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** The name of the run's node, once the step is being taken on it. */
export const nodeInStep = (output: string, stepId: string): Promise<string> =>
  until(`the step ${stepId}`, () => {
    const entries = journalIn(output);
    const node = entries.find(({ kind }) => kind === 'node-ready')?.['node'];
    const taken = entries.some((entry) => entry['kind'] === 'step-started' && entry['stepId'] === stepId);
    return taken && typeof node === 'string' && node;
  });

/** What the lab itself could not do in the run: during what, and its words. */
export const labFailuresIn = (output: string): readonly unknown[] =>
  journalIn(output).flatMap(({ kind, during, what, message }) =>
    kind === 'lab-failure' || kind === 'cleanup-failure' ? [[during ?? what, message]] : [],
  );

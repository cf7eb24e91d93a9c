import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { parseRecord, type NodeRecord } from '../../lab/nodes/backends/node-records.ts';
import { cnilab, startCnilab, type CnilabOptions, type Finished, type Started } from './cnilab.ts';
import { processesWith } from './launched.ts';
import { qemuForTests } from './qemu.ts';

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

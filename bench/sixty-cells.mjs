// Sixty cells of one scenario, as in a regression suite: the lab compared with the shell script run by `xargs -P`.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { pairs, timed } from './measure.mjs';

const CELLS = 60;
const JOBS = 3 * availableParallelism(); // the default of the lab on bare nodes

/** Wall time and CPU time of both, in pairs. */
export async function sixtyCells({ lab, rival, scenarioHostPath, cwd, count }) {
  const scenario = parseDocument(readFileSync(scenarioHostPath, 'utf8'));
  const cells = Array.from({ length: CELLS }, (_, index) => index + 1);
  scenario.setIn(['matrix', 'cell'], scenario.createNode(cells));
  const file = join(cwd, 'sixty-cells.yaml');
  writeFileSync(file, String(scenario));
  const shell = ['sh', '-c', `seq ${CELLS} | xargs -P ${JOBS} -I NUMBER "$@"`, 'sh', ...rival];
  return pairs(
    count,
    () => withCpu(() => lab(file, '--containerd', '1.6.3')),
    () => withCpu(() => timed(shell, { cwd })),
  );
}

/** CPU seconds of the complete machine meanwhile, because nodes are not children of the process that starts them. */
async function withCpu(run) {
  const before = cpuSeconds();
  const { wallMs } = await run();
  return { wallMs, cpuSeconds: cpuSeconds() - before };
}

const TICKS_PER_SECOND = 100; // USER_HZ, on every architecture that nodes run on

function cpuSeconds() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

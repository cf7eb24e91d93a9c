// Runs scenarios repeatedly, this many times with four at a time and as often one by one, each time in another order,
// and compares the verdicts:
// node scripts/repeat.mjs [--times 20] [--jobs 4,1] [--seed N] [--verdicts FILE] [NAME…]
// Without names it runs all scenarios and controls. The last line has a checksum of all verdicts, so that several of
// these, on one machine or on many, can be compared. --verdicts compares with the verdicts in FILE, and writes them there
// if there is no such file. Runs with another verdict are kept, in cnilab-differs-… beside where they were written.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const cnilab = fileURLToPath(new URL('../bin/cnilab.cjs', import.meta.url));
const { values, positionals } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '4,1' },
    seed: { type: 'string' },
    verdicts: { type: 'string' },
  },
  allowPositionals: true,
});
const times = Number(values.times);
const seed = Number(values.seed ?? randomInt(1_000_000));
const folder = mkdtempSync(join(tmpdir(), 'cnilab-repeat-'));
const output = join(folder, 'runs');
let state = seed;
let round;
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    isStopped = true;
    round?.kill('SIGINT'); // it takes its nodes down
  });

try {
  const names = positionals.length > 0 ? positionals : allScenarios();
  console.log(`${names.length} scenarios, ${times} times with --jobs ${values.jobs}; --seed ${seed}`);
  const known = values.verdicts !== undefined && existsSync(values.verdicts);
  const first = new Map(known ? JSON.parse(readFileSync(values.verdicts, 'utf8')) : []);
  const cells = new Set(positionals.length > 0 ? [] : first.keys());
  let different = 0;
  for (const jobs of values.jobs.split(',')) {
    for (let time = 1; time <= times; time += 1) {
      const verdicts = await run(shuffled(names), jobs);
      const changed = [...verdicts].filter(([cell, verdict]) => (first.get(cell) ?? verdict) !== verdict);
      for (const [cell, verdict] of verdicts) {
        cells.add(cell);
        if (!first.has(cell)) first.set(cell, verdict);
      }
      const missing = [...cells].filter((cell) => !verdicts.has(cell));
      different += changed.length + missing.length;
      console.log(
        `--jobs ${jobs}, ${time} of ${times}: ${verdicts.size} runs, ${changed.length + missing.length} with another verdict`,
      );
      for (const [cell, verdict] of changed) {
        const kept = mkdtempSync(join(tmpdir(), 'cnilab-differs-'));
        renameSync(join(output, 'latest', cell), join(kept, cell));
        console.log(`  ${join(kept, cell)}: ${verdict}, before ${first.get(cell)}`);
      }
      for (const cell of missing) console.log(`  ${cell}: not run`);
      rmSync(output, { recursive: true, force: true });
    }
  }
  const verdicts = JSON.stringify([...first].filter(([cell]) => cells.has(cell)).sort());
  if (values.verdicts !== undefined && !known) writeFileSync(values.verdicts, verdicts);
  const checksum = createHash('sha256').update(verdicts).digest('hex');
  console.log(different === 0 ? `identical verdicts, SHA-256 ${checksum}` : `${different} verdicts differ`);
  process.exitCode = different === 0 ? 0 : 1;
} catch (thrown) {
  if (!isStopped) throw thrown;
  console.log('stopped');
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function allScenarios() {
  const { stdout } = spawnSync(process.execPath, [cnilab, 'list', '--json'], { encoding: 'utf8' });
  return JSON.parse(stdout).map(({ name }) => name);
}

/** The outcome of each run and its findings, without what varies between runs. */
async function run(names, jobs) {
  const report = join(folder, 'report.json');
  const words = ['run', ...names, '--jobs', jobs, '--reporter', `json=${report}`, '--output', output];
  round = spawn(process.execPath, [cnilab, ...words], { stdio: 'ignore', detached: true });
  const [status] = await once(round, 'close');
  if (isStopped) throw new Error('stopped');
  if (![0, 1, 69].includes(status)) throw new Error(`cnilab ended with ${status}`);
  const { runs } = JSON.parse(readFileSync(report, 'utf8'));
  return new Map(
    runs.map(({ slug, outcome, findings }) => [
      slug,
      [outcome, ...findings.map((one) => `${one.stepId} ${one.check} ${one.outcome}`)].join('; '),
    ]),
  );
}

function shuffled(all) {
  const rest = [...all];
  return all.map(() => rest.splice(Math.floor(next() * rest.length), 1)[0]);
}

/** Pseudo-random numbers from 0 up to 1, the same for the same seed: mulberry32. */
function next() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

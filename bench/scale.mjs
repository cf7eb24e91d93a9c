// The cost of merge and reports with 100,000 recorded runs, which are copies of real ones.
// Usage: node bench/scale.mjs [RUNS [SESSION [REPORTER,… [FOLDER]]]]
// The reports are removed, or stay in the FOLDER. NODE_OPTIONS=--max-old-space-size=256 limits the heap of the lab.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { performance } from 'node:perf_hooks';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const COUNT = Number(process.argv[2] ?? 100_000);
const FROM = resolve(process.argv[3] ?? '.cnilab/latest');
/** each alone, or several in one command: json+junit; all of them write to files */
const REPORTERS = (process.argv[4] ?? 'terminal,json,junit,markdown,tap,ctrf,github,html').split(',');
const SHARDS = 50;
const cnilab = join(import.meta.dirname, '../bin/cnilab.cjs');
const folder = mkdtempSync(join(tmpdir(), 'cnilab-scale-'));

process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/**
 * Copies real runs until there are COUNT. The journals of the copies are hard links; their plans differ in the cell.
 */
function copyRuns() {
  const originals = readdirSync(FROM, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({
      hostPath: join(FROM, name),
      plan: JSON.parse(readFileSync(join(FROM, name, 'plan.json'), 'utf8')),
    }));
  const listed = [];
  const journalOf = new Map();
  for (let at = 0; at < COUNT; at += 1) {
    const { hostPath, plan } = originals[at % originals.length];
    const copy = String(Math.floor(at / originals.length) + 1);
    const run = plan.runs[0];
    const shard = (at % SHARDS) + 1;
    const slug = `${run.slug}.copy-${copy}`;
    const to = join(folder, `shard-${shard}`, slug);
    mkdirSync(to, { recursive: true });
    const head = { ...run, slug, title: `${run.title} copy=${copy}`, cell: { ...run.cell, copy } };
    // not indented, so that 100,000 of them do not fill the disk
    const text = JSON.stringify({ ...plan, runs: [head] });
    writeFileSync(join(to, 'plan.json'), text);
    // on ext4 a file can have at most 65,000 links
    const key = `${hostPath} ${Math.floor(at / originals.length / 60_000)}`;
    linkSync(journalOf.get(key) ?? firstCopy(key, hostPath), join(to, 'journal.jsonl'));
    const { title, scenario, control, cell, nodes } = head;
    listed.push({
      title,
      slug,
      scenario,
      ...(control === undefined ? {} : { control }),
      cell,
      nodes: nodes.map(({ runtime }) => ({ runtime })),
      shard,
      planSha256: sha256(text),
    });
  }
  function firstCopy(key, hostPath) {
    const to = join(folder, `journal-${journalOf.size}.jsonl`);
    writeFileSync(to, readFileSync(join(hostPath, 'journal.jsonl')));
    journalOf.set(key, to);
    return to;
  }
  const lines = listed.map((run) => `${JSON.stringify(run)}\n`).join('');
  const time = new Date().toISOString();
  const session = {
    formatVersion: 1,
    labVersion: 'copies',
    backend: 'bare',
    host: {},
    started: time,
    ended: { time },
  };
  const list = join(folder, 'runs.jsonl');
  writeFileSync(list, lines);
  for (let index = 1; index <= SHARDS; index += 1) {
    linkSync(list, join(folder, `shard-${index}/runs.jsonl`));
    const record = { ...session, shard: { index, count: SHARDS }, runsSha256: sha256(lines) };
    writeFileSync(join(folder, `shard-${index}/session.json`), JSON.stringify(record));
  }
  rmSync(list);
  return { originals: originals.length, listBytes: lines.length };
}

/** Wall time, CPU time and peak memory of one command. */
async function measure(args) {
  const started = performance.now();
  const child = spawn(
    '/usr/bin/time',
    ['-f', '%e %U %S %M', '-o', join(folder, 'time'), process.execPath, cnilab, ...args],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exitCode = await new Promise((done) => child.on('close', done));
  const [, user, system, peakKiB] = readFileSync(join(folder, 'time'), 'utf8')
    .trim()
    .split('\n')
    .at(-1)
    .split(' ')
    .map(Number);
  return {
    exitCode,
    wallS: (performance.now() - started) / 1000,
    cpuS: user + system,
    peakMiB: peakKiB / 1024,
  };
}

const { originals, listBytes } = copyRuns();
const journalBytes = readdirSync(FROM, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => statSync(join(FROM, name, 'journal.jsonl')).size);
const averageKiB = journalBytes.reduce((sum, size) => sum + size, 0) / journalBytes.length / 1024;
console.log(
  `${COUNT} runs in ${SHARDS} shards, copies of ${originals} runs; a journal has ${averageKiB.toFixed(0)} KiB on average, runs.jsonl ${(listBytes / 2 ** 20).toFixed(1)} MiB`,
);
console.log('wall s  CPU s  peak MiB');
const folders = Array.from({ length: SHARDS }, (_, at) => join(folder, `shard-${at + 1}`));
for (const group of REPORTERS) {
  const names = group.split('+');
  const fileOf = (name) => join(process.argv[5] ?? folder, `report.${name}`);
  const flags = names.flatMap((name) => ['--reporter', `${name}=${fileOf(name)}`]);
  const { exitCode, wallS, cpuS, peakMiB } = await measure(['merge', ...folders, ...flags]);
  const row = [wallS.toFixed(0).padStart(6), cpuS.toFixed(0).padStart(6), peakMiB.toFixed(0).padStart(9)];
  const sizes = names.map((name) => `${name} ${(statSync(fileOf(name)).size / 2 ** 20).toFixed(1)} MiB`);
  console.log(`${row.join(' ')}  exit ${exitCode}: ${sizes.join(', ')}`);
  if (process.argv[5] === undefined) for (const name of names) rmSync(fileOf(name));
}

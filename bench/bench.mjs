// `npm run bench [PAIRS]`: the cost of the lab, compared with a shell script that does the same work, and with itself.
// Everything is measured in one run, in alternating pairs. Nothing asserts on a time.
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { certificatesMs, medianRatio, pairs, timed } from './measure.mjs';
import { newestSession, observed, partsOf } from './recorded.mjs';
import { backendRows } from './backends.mjs';
import { sixtyCells } from './sixty-cells.mjs';
import { describeHost, format, printTable, row } from './table.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), 'cnilab-bench-'));
const count = Number(process.argv[2] ?? 12);
const cacheHostPath = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cnilab');

const cnilab = [process.execPath, here('../bin/cnilab.cjs')];
const lab = (...args) => timed([...cnilab, 'run', '--backend', 'bare', ...args], { cwd });
const one = () => lab('incompatible-version', '--containerd', '1.6.3');
const wall = async (run) => (await run()).wallMs;

try {
  console.log(describeHost());
  const certificates = await certificatesMs(count, { cwd });
  if (certificates !== undefined)
    console.log(
      `NODE_EXTRA_CA_CERTS is set here and left out below: it adds ${format(certificates)} ms to every start of Node`,
    );
  await lab('incompatible-version'); // the cache is warm from here on
  await one();
  const parts = partsOf(newestSession(cwd)[0], { cacheHostPath });
  const { containerd, runc, crictl, oldPlugins, newPlugins, pauseTar, config, conflist, layer } = parts;
  const programs = [containerd, runc, crictl, oldPlugins, newPlugins];
  const script = [here('rival.sh'), ...programs, pauseTar, config, conflist, ...layer];
  const rival = () => timed(script, { cwd });
  const alone = () => timed([here('containerd-alone.sh'), containerd, config, conflist], { cwd });

  const firstOutputs = [];
  const cell = await pairs(
    count,
    async () => {
      const { wallMs, firstOutputMs } = await one();
      firstOutputs.push(firstOutputMs);
      return wallMs;
    },
    () => wall(rival),
  );
  const five = await pairs(
    count,
    () => wall(() => lab('incompatible-version', '--containerd', '1.6.0,1.6.1,1.6.2,1.6.3,1.6.4')),
    () => wall(one),
  );
  const ready = await pairs(
    count,
    async () => {
      await one();
      const [{ nodeMs, runtimeMs }] = observed(newestSession(cwd)[0], 'node-ready');
      return nodeMs + runtimeMs;
    },
    async () => Number((await alone()).stdout),
  );
  const sixty = await sixtyCells({
    lab,
    rival: script,
    scenarioHostPath: here('../scenarios/incompatible-version.yaml'),
    cwd,
    count: Math.min(count, 4),
  });
  const [sixtyWall, sixtyCpu] = ['wallMs', 'cpuSeconds'].map((figure) => ({
    a: sixty.a.map((one) => one[figure]),
    b: sixty.b.map((one) => one[figure]),
  }));
  const many = await lab(here('many-nodes.yaml'), '--jobs', '32');
  const usages = newestSession(cwd).flatMap((run) => observed(run, 'usage').map(({ usage }) => usage));

  const onOthers = await backendRows({ lab, cnilab, cwd, cacheHostPath, count: Math.min(count, 5) });

  console.log();
  printTable([
    ['', 'min', 'median', 'max', 'times'],
    row('one cell, the lab', cell.a),
    row('one cell, the shell script', cell.b),
    row('first output of the lab', firstOutputs.slice(1)),
    row('five cells together', five.a),
    row('one cell', five.b),
    row('sixty cells, the lab', sixtyWall.a),
    row('sixty cells, the shell script by xargs -P', sixtyWall.b),
    row('CPU time of sixty cells, the lab', sixtyCpu.a, 's'),
    row('CPU time of sixty cells, the shell script', sixtyCpu.b, 's'),
    row('node ready, from nothing to containerd answering', ready.a),
    row('containerd alone, from its start to its socket', ready.b),
    row('CPU time of one of 32 nodes', usages.map(({ cpuMs }) => cpuMs).filter(isNumber)),
    row(
      'memory peak of one of 32 nodes',
      usages
        .map(({ memoryPeakBytes }) => memoryPeakBytes)
        .filter(isNumber)
        .map((bytes) => bytes / 2 ** 20),
      'MiB',
    ),
    ...onOthers,
  ]);
  console.log();
  printTable([
    ['', 'measured', 'wanted'],
    ['one cell: lab / shell script, median of the pairs', format(medianRatio(cell)), '<= 1.15'],
    ['five cells / one cell, median of the pairs', format(medianRatio(five)), '<= 3'],
    ['sixty cells: lab / shell script, wall', format(medianRatio(sixtyWall)), '<= 0.85'],
    ['sixty cells: lab / shell script, CPU', format(medianRatio(sixtyCpu)), ''],
    ['32 nodes at once, all passed, together', `${format(many.wallMs)} ms`, ''],
  ]);
} finally {
  rmSync(cwd, { recursive: true, force: true });
}

function isNumber(value) {
  return typeof value === 'number';
}

// `node bench/clusters.mjs [TIMES]`: what a cluster of three nodes and the upgrade of its workers take, on bare nodes and on
// nodes of kind, beside `kind create cluster` without the lab. All three take turns in one run. Nothing asserts on a time.
// It needs root, and Docker with its command: DOCKER_HOST, or the current context.
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindAlone } from './kind-alone.mjs';
import { median, medianRatio, rounds, timed } from './measure.mjs';
import { newestSession, observed } from './recorded.mjs';
import { describeHost, format, printTable, row } from './table.mjs';

const UNAVAILABLE = 69;
const count = Number(process.argv[2] ?? 3);
const cacheHostPath = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cnilab');
const cnilab = [process.execPath, fileURLToPath(new URL('../bin/cnilab.cjs', import.meta.url))];

await timed(['docker', 'version'], {}).catch((thrown) => {
  console.error(
    `kind needs Docker, and it does not answer: start it, or name one with DOCKER_HOST\n${thrown.message}`,
  );
  process.exit(UNAVAILABLE);
});
const cwd = mkdtempSync(join(tmpdir(), 'cnilab-bench-'));
// an interrupted command ends by itself, and then what was made is removed
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);

async function upgrade(backend) {
  const { wallMs } = await timed([...cnilab, 'run', 'upgrade-a-cluster', '--backend', backend], { cwd });
  const [run] = newestSession(cwd);
  const parts = observed(run, 'cluster-part');
  const steps = (kind, name) => observed(run, kind).filter(({ stepId }) => stepId.endsWith(`-${name}`));
  return {
    wallMs,
    readyMs: parts.at(-1).atMs,
    upgradeMs: steps('step-ended', 'uncordon').at(-1).atMs - steps('step-started', 'cordon')[0].atMs,
    parts: parts.map(({ part, ms }) => [part, ms]),
  };
}

let alone;
try {
  console.log(describeHost());
  for (const backend of ['bare', 'kind'])
    await timed([...cnilab, 'fetch', 'upgrade-a-cluster', '--backend', backend], { cwd });
  await upgrade('kind');
  alone = await kindAlone(newestSession(cwd)[0], { cwd, cacheHostPath });
  const { kind, bare, onKind } = await rounds(count, {
    kind: alone.create,
    bare: () => upgrade('bare'),
    onKind: () => upgrade('kind'),
  });

  const figures = (runs, figure) => runs.map((run) => run[figure]);
  const partRows = (runs) =>
    runs[0].parts.map(([part], index) =>
      row(
        `  ${part}`,
        runs.map((run) => run.parts[index][1]),
      ),
    );
  const ofLab = (backend, runs) => [
    row(`the lab on ${backend}, until three nodes are Ready`, figures(runs, 'readyMs')),
    ...partRows(runs),
    row(`  the upgrade of both workers`, figures(runs, 'upgradeMs')),
    row(`  the whole run`, figures(runs, 'wallMs')),
  ];
  console.log();
  printTable([
    ['', 'min', 'median', 'max', 'times'],
    row('kind alone, until three nodes are Ready', figures(kind, 'readyMs')),
    row('  kind create cluster', figures(kind, 'wallMs')),
    ...ofLab('bare', bare),
    ...ofLab('kind', onKind),
  ]);
  const readyRatio = (runs) => medianRatio({ a: figures(runs, 'readyMs'), b: figures(kind, 'readyMs') });
  console.log();
  printTable([
    ['', 'measured', 'wanted'],
    ['three nodes Ready: bare / kind alone, median of the rounds', format(readyRatio(bare)), '<= 0.33'],
    ['three nodes Ready: the lab on kind / kind alone', format(readyRatio(onKind)), ''],
    [
      'the upgrade of both workers on bare',
      `${format(median(figures(bare, 'upgradeMs')) / 1000)} s`,
      '<= 25 s',
    ],
  ]);
} finally {
  await alone?.remove();
  rmSync(cwd, { recursive: true, force: true });
}

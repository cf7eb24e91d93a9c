import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/**
 * With NODE_EXTRA_CA_CERTS, Node 20 reads those certificates at every start, which is a cost of the machine and not of
 * the lab.
 */
const { NODE_EXTRA_CA_CERTS, ...env } = process.env;

/** How much that setting adds to a start of Node, in milliseconds; undefined if it is not set. */
export async function certificatesMs(count, options) {
  if (NODE_EXTRA_CA_CERTS === undefined) return undefined;
  const start = async (more) =>
    (await timed([process.execPath, '-e', '0'], { ...options, env: { ...env, ...more } })).wallMs;
  const { a, b } = await pairs(
    count,
    () => start({ NODE_EXTRA_CA_CERTS }),
    () => start({}),
  );
  return median(a.map((value, i) => value - b[i]));
}

/** Runs a program to its end. Throws if it does not succeed, because its time is then meaningless. */
export function timed(argv, { cwd, env: ownEnv = env }) {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(argv[0], argv.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: ownEnv });
    let firstOutputMs;
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      firstOutputMs ??= performance.now() - startedMs;
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      firstOutputMs ??= performance.now() - startedMs;
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (exitCode) => {
      const wallMs = performance.now() - startedMs;
      if (exitCode === 0) resolve({ wallMs, firstOutputMs, stdout });
      else reject(new Error(`${argv.join(' ')} exited with ${exitCode}\n${stdout}${stderr}`));
    });
  });
}

/** Runs A B A B …, so that other load on the host affects both sides equally. The first pair is not counted. */
export const pairs = (count, a, b) => rounds(count, { a, b });

/** The same with any number of sides, by name. */
export async function rounds(count, sides) {
  const taken = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let i = 0; i <= count; i++)
    for (const [side, run] of Object.entries(sides)) {
      const value = await run();
      if (i > 0) taken[side].push(value);
    }
  return taken;
}

export function median(values) {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of the ratios within each pair. It varies less than the ratio of the medians when the load changes. */
export const medianRatio = ({ a, b }) => median(a.map((value, i) => value / b[i]));

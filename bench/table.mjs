import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { median } from './measure.mjs';

export function describeHost() {
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const load = loadavg().map((value) => value.toFixed(1));
  return [
    `${availableParallelism()} cores of ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${system}, Linux ${release()}, Node ${process.version}`,
    `load before the first measurement: ${load.join(' ')}`,
  ].join('\n');
}

export const row = (what, values, unit = 'ms') => [
  what,
  ...[Math.min(...values), median(values), Math.max(...values)].map((value) => `${format(value)} ${unit}`),
  String(values.length),
];

export const format = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0));

/** Aligns the first column to the left and the others to the right. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  for (const cells of rows) {
    console.log(
      cells
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    );
  }
}

import type { Cell } from './fill.ts';

/** `containerd=1.6.4 preference=''`: a cell as people name it, and as `--set` takes it. */
export const nameCell = (cell: Cell): string =>
  Object.entries(cell)
    .map(([axis, value]) => `${axis}=${nameValue(value)}`)
    .join(' ');

/** A value of an axis; an empty one can be seen. */
export const nameValue = (value: string): string => (value === '' ? "''" : value);

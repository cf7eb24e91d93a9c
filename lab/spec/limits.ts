/** What a scenario may be at most. Far more than anybody needs, and little enough that any mistake is told at once. */
export const LIMITS = {
  fileBytes: 1024 * 1024,
  /** runs of one scenario */
  cells: 10_000,
  /** of one scenario */
  nodes: 16,
  /** of the name of one of several nodes, which is a part of its host name */
  nodeName: 32,
  /** in one file */
  steps: 1_000,
  /** steps of all runs of one scenario */
  plannedSteps: 100_000,
  /** characters of the name of a scenario, a pod, a container or an axis: what a host name may have */
  name: 63,
  timeoutMs: 24 * 60 * 60 * 1000,
} as const;

/** Runs that a matrix stands for, without making them. */
export const cellCount = (matrix: readonly { readonly values: readonly string[] }[]): number =>
  matrix.reduce((product, { values }) => product * new Set(values).size, 1);

export const tooManyCells = (cells: number): string =>
  `the matrix has ${cells} combinations; a scenario has at most ${LIMITS.cells}`;

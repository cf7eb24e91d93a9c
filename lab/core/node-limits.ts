/** What a node may take of its host. What is missing has the lab's default. */
export interface NodeLimits {
  /** of all its processes together, with what its file systems hold */
  readonly memoryBytes?: number;
  readonly processes?: number;
  /** of each of its file systems, which are all in memory */
  readonly tmpfsBytes?: number;
}

const LOG_LINES = 5;

/** The last of what the runtime said in a piece of its log: what a failure is shown with. */
export const lastLines = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LOG_LINES);

/** What each outcome of a command means to the shell. */
export const EXIT = {
  pass: 0,
  fail: 1,
  badInput: 2,
  inconclusive: 69,
  'broken-output': 69,
  /** something unexpected inside cnilab */
  bug: 70,
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
} as const;

const FIRST_LINE = /msg="starting containerd"|"msg":"starting containerd"/g;
const GIVES_UP = /^containerd: |level=fatal|"level":"fatal"|^panic: |^fatal error: /;
const NOT_LOADED = /failed to load plugin|skip loading plugin/;
const LAST_LINES = 3;

/** Of containerd's log, the lines of its last start in which it says why it gave up, or why CRI is not loaded. */
export function reasonsNotStarted(log: string): readonly string[] {
  const lines = lastStart(log);
  const last = lines.filter((line) => GIVES_UP.test(line));
  return last.length > 0 ? last : lines.filter((line) => NOT_LOADED.test(line) && /\bcri\b/.test(line));
}

/** The same or, where it does not say why, the last lines. */
export function whyNotStarted(log: string): readonly string[] {
  const reasons = reasonsNotStarted(log);
  return reasons.length > 0 ? reasons : lastStart(log).slice(-LAST_LINES);
}

function lastStart(log: string): readonly string[] {
  const began = [...log.matchAll(FIRST_LINE)].at(-1)?.index ?? -1;
  return log
    .slice(began < 0 ? 0 : log.lastIndexOf('\n', began) + 1)
    .split('\n')
    .filter((line) => line !== '');
}

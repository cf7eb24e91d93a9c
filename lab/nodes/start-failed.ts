import { LabError } from '../core/lab-error.ts';

/** containerd was started, and it is certain that its CRI will not answer. `lines` are those of its log that say why. */
export class StartFailed extends LabError {
  readonly lines: readonly string[];

  constructor(how: string, lines: readonly string[]) {
    super([how, ...(lines.length === 0 ? [] : ['its log says', ...lines])].join('\n'));
    this.lines = lines;
  }
}

const FIRST_LINE = 'msg="starting containerd"';
const NOT_LOADED = /failed to load plugin|skip loading plugin/;
const LAST_LINES = 3;

/** Of a log, the lines since the last start that say why CRI is not there, or else the last ones. */
export function whyNotStarted(log: string): readonly string[] {
  const began = log.lastIndexOf(FIRST_LINE);
  const lines = log
    .slice(began < 0 ? 0 : log.lastIndexOf('\n', began) + 1)
    .split('\n')
    .filter((line) => line !== '');
  const fatal = lines.filter((line) => /^containerd: |level=fatal|^panic: /.test(line));
  const cri = lines.filter((line) => NOT_LOADED.test(line) && /\bcri\b/.test(line));
  if (fatal.length > 0) return fatal;
  return cri.length > 0 ? cri : lines.slice(-LAST_LINES);
}

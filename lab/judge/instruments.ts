import type { Content } from '../core/content.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { NodePlan, RunPlan } from '../plan/plan.ts';
import { specOf } from '../spec/verbs/verbs.ts';

/** What a scenario puts on the node by itself, to see or to make something: no plugin has left that behind. */
export interface Instruments {
  /** files that it writes */
  readonly paths: readonly string[];
  /** scripts, contents and commands of its own */
  readonly scripts: readonly string[];
}

export function instrumentsOf(
  { steps, node }: Pick<RunPlan, 'steps'> & { readonly node?: Pick<NodePlan, 'files'> },
  entries: readonly JournalEntry[],
): Instruments {
  const files = [
    ...(node?.files ?? []),
    ...steps.flatMap(({ action }) => specOf(action).files?.(action) ?? []),
  ];
  const scripts = steps.flatMap(({ action }) => specOf(action).scripts?.(action) ?? []);
  return {
    paths: files.map(({ name }) => name),
    scripts: [
      ...[...files, ...scripts].map(textOf),
      ...entries.flatMap((entry) => (entry.kind === 'command' ? entry.result.argv : [])),
    ],
  };
}

/** Of bytes that are not UTF-8 a path can still be read. */
const textOf = ({ content, encoding }: Content): string =>
  encoding === undefined ? content : Buffer.from(content, encoding).toString('latin1');

/** Places that are CNI's own: what is there counts, whoever wrote it. */
const OWN_PLACES = ['/var/lib/cni', '/run/cni'];

/**
 * A file that the scenario wrote, or one in /tmp whose whole path stands in a script of its own. One with a name that a
 * script makes up as it runs (`/tmp/state-$CNI_CONTAINERID`) is not.
 */
export function isInstrument(
  path: string,
  { instruments, folders }: { readonly instruments: Instruments; readonly folders: readonly string[] },
): boolean {
  if ([...OWN_PLACES, ...folders].some((folder) => path === folder || path.startsWith(`${folder}/`)))
    return false;
  if (instruments.paths.includes(path)) return true;
  if (!path.startsWith('/tmp/')) return false;
  const whole = new RegExp(
    `(?<![\\w./-])${path.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?![\\w./$\\{%*?-])`,
  );
  return instruments.scripts.some((script) => whole.test(script));
}

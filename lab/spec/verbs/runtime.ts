import { describeWithPath, type RuntimeRef } from '../../core/components.ts';
import type { VersionText } from '../scenario.ts';
import { about, mapped } from '../shape.ts';
import { versionShape } from '../text-shapes.ts';
import { verb, withoutValue } from './verb-spec.ts';

export const RUNTIME_VERBS = {
  'stop-runtime': withoutValue('SIGTERM, and waits for its end', ['runtime end']),
  'kill-runtime': withoutValue('SIGKILL', ['runtime end']),
  'start-runtime': withoutValue('and waits until it answers', ['runtime start']),
  reboot: withoutValue(
    'the node loses its power: no process, mount or network is left, /run and /tmp are empty, the disk stays; then the runtime starts',
    ['reboot', 'runtime start'],
  ),
  'replace-runtime': verb<{ readonly version: VersionText }, { readonly runtime: RuntimeRef }>({
    shape: about(
      'stops it, puts another version in its place, starts that with the state of the old one',
      mapped(versionShape, (version) => ({ version })),
    ),
    recorded: ['runtime end', 'files', 'runtime start'],
    plan: ({ version }, cell) => ({ runtime: cell.runtime(version) }),
    describe: ({ runtime }) => describeWithPath(runtime),
    versions: ({ version }, runtime) => [[runtime, version]],
    components: ({ runtime }) => [runtime],
  }),
};

import { describeWithPath, type RuntimeRef } from '../../core/components.ts';
import { nothing } from '../scalar-shapes.ts';
import type { VersionText } from '../scenario.ts';
import { about, mapped } from '../shape.ts';
import { versionShape } from '../text-shapes.ts';
import { asWritten, verb, type Recorded, type VerbSpec } from './verb-spec.ts';

const onRuntime = (description: string, recorded: readonly Recorded[]): VerbSpec<object> => ({
  shape: about(
    description,
    mapped(nothing, () => ({})),
  ),
  recorded,
  plan: asWritten,
  describe: () => '',
});

export const RUNTIME_VERBS = {
  'stop-runtime': onRuntime('SIGTERM, and waits for its end', ['runtime end']),
  'kill-runtime': onRuntime('SIGKILL', ['runtime end']),
  'start-runtime': onRuntime('and waits until it answers', ['runtime start']),
  reboot: onRuntime(
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

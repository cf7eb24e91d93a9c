import { object } from '../object-shape.ts';
import { bool, nothing } from '../scalar-shapes.ts';
import { about, byKind, mapped } from '../shape.ts';
import { forTexts, nameShape, usedPod } from '../text-shapes.ts';
import { asWritten, verb } from './verb-spec.ts';

export interface OnPod {
  readonly pod: string;
}

const ofPod = ({ pod }: OnPod): string => pod;

export const POD_VERBS = {
  'run-pod': verb<OnPod>({
    shape: about(
      'crictl runp',
      mapped(nameShape, (pod) => ({ pod })),
    ),
    recorded: ['command'],
    needsRuntime: true,
    makes: 'pod',
    timeoutMs: 120_000,
    plan: asWritten,
    describe: ofPod,
    pod: ofPod,
  }),
  'stop-pod': verb<OnPod>({
    shape: about(
      'crictl stopp',
      mapped(usedPod, (pod) => ({ pod })),
    ),
    recorded: ['command'],
    needsRuntime: true,
    plan: asWritten,
    describe: ofPod,
    pod: ofPod,
  }),
  'remove-pod': verb<OnPod & { readonly force: boolean }>({
    shape: about(
      'crictl rmp',
      byKind({
        ...forTexts(mapped(usedPod, (pod) => ({ pod, force: false }))),
        mapping: object(
          { required: { pod: usedPod }, optional: { force: about('as crictl rmp -f', bool) } },
          ({ pod, force }) => ({ pod, force: force ?? false }),
        ),
      }),
    ),
    recorded: ['command'],
    needsRuntime: true,
    plan: asWritten,
    describe: ({ pod, force }) => (force ? `${pod}, by force` : pod),
    pod: ofPod,
  }),
  'stop-listed-pods': verb({
    shape: about(
      'crictl stopp for every pod that CRI lists',
      mapped(nothing, () => ({})),
    ),
    recorded: ['command for each listed pod'],
    needsRuntime: true,
    plan: asWritten,
    describe: () => '',
  }),
  'remove-listed-pods': verb({
    shape: about(
      'crictl rmp for every pod that CRI lists',
      mapped(nothing, () => ({})),
    ),
    recorded: ['command for each listed pod'],
    needsRuntime: true,
    plan: asWritten,
    describe: () => '',
  }),
};

import { about, byKind, list, mapped, oneOrMany, type Shape } from '../shape.ts';
import { mentioning } from '../mention.ts';
import { text } from '../scalar-shapes.ts';
import { object, present } from '../object-shape.ts';
import type { FileSpec } from '../scenario.ts';
import { contentShape, forTexts, jsonContent, nameShape, template } from '../text-shapes.ts';
import { verb, withoutValue, type VerbSpec } from './verb-spec.ts';

export interface Apply {
  /** documents that kubectl reads one after the other */
  readonly manifests: readonly FileSpec[];
}

export interface OnNode {
  readonly node: string;
  /** further words for kubectl */
  readonly flags?: readonly string[];
}

/** A manifest as YAML in a text, as a mapping, or in a file beside the scenario. */
const manifestShape: Shape<FileSpec> = {
  ...mapped(
    byKind<Pick<FileSpec, 'content' | 'encoding' | 'mapping'>>({
      ...forTexts(contentShape('step')),
      mapping: {
        ...jsonContent('step'),
        read: (spot) =>
          spot.entries.length === 1 && spot.entries[0]?.name === 'from'
            ? contentShape('step').read(spot)
            : jsonContent('step').read(spot),
      },
    }),
    (content, { place }) => ({ name: 'manifest', ...content, place }),
  ),
  wanted: 'a manifest',
};

const nodeShape = about(
  'a node of the cluster',
  mentioning(nameShape, (name) => ({ kind: 'node-name', name })),
);

const flags = about('further flags of kubectl, as they are typed', list(template('step'), { min: 1 }));

const onNode = (description: string): VerbSpec<OnNode> => ({
  shape: about(
    description,
    byKind<OnNode>({
      ...forTexts(mapped(nodeShape, (node): OnNode => ({ node }))),
      mapping: object({ required: { node: nodeShape }, optional: { flags } }, ({ node, flags: words }) => ({
        node,
        ...present({ flags: words }),
      })),
    }),
  ),
  recorded: ['command'],
  timeoutMs: 120_000,
  plan: ({ node, flags: words }, cell) => ({
    node,
    ...(words === undefined ? {} : { flags: words.map(cell.template) }),
  }),
  describe: ({ node, flags: words = [] }) => [node, ...words].join(' '),
});

/** What an operator does with kubectl. These are taken on the control plane, whose kubectl it is. */
const KUBECTL_VERBS = {
  apply: verb<Apply>({
    shape: about(
      'kubectl apply: a manifest as a mapping, as YAML in a text, or { from: ./web.yaml }; or a list of them',
      mapped(oneOrMany(manifestShape), (manifests) => ({ manifests })),
    ),
    recorded: ['command'],
    plan: ({ manifests }, cell) => ({ manifests: manifests.map(cell.file) }),
    describe: ({ manifests }) => (manifests.length === 1 ? 'a manifest' : `${manifests.length} manifests`),
  }),
  delete: verb<{ readonly objects: readonly string[] }>({
    shape: about(
      'kubectl delete, and waits until they are gone: deployment/web, or a list',
      mapped(
        oneOrMany(
          mapped(text({ wanted: 'a kind and a name: deployment/web' }), (value, spot) => {
            spot.mention({ kind: 'text', text: value, reach: 'step' });
            return value.includes('/') ? value : spot.wants('a kind and a name: deployment/web');
          }),
        ),
        (objects) => ({ objects }),
      ),
    ),
    recorded: ['command'],
    timeoutMs: 120_000,
    plan: ({ objects }, cell) => ({ objects: objects.map(cell.template) }),
    describe: ({ objects }) => objects.join(', '),
  }),
  cordon: onNode('kubectl cordon NODE: no more pods are scheduled to it'),
  drain: onNode('kubectl drain NODE, and waits until its pods are gone; { node: NODE, flags: [--force] }'),
  uncordon: onNode('kubectl uncordon NODE'),
};

export const CLUSTER_VERBS = {
  ...KUBECTL_VERBS,
  'stop-kubelet': withoutValue('SIGTERM to the kubelet of the node, and waits for its end', ['wait']),
  'kill-kubelet': withoutValue('SIGKILL to the kubelet of the node', ['wait']),
  'start-kubelet': withoutValue(
    'starts the kubelet of the node again, and other programs of Kubernetes that have ended there',
    ['wait'],
  ),
};

/** Steps that are about the cluster and name no node. */
export const isOfCluster = (verbName: string): boolean => Object.hasOwn(KUBECTL_VERBS, verbName);

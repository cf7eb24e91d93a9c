import { mentioning } from '../mention.ts';
import { text } from '../scalar-shapes.ts';
import type { FileSpec } from '../scenario.ts';
import { about, mapped, oneOrMany, type Shape } from '../shape.ts';
import { filesShape, template, whyNoName } from '../text-shapes.ts';
import { verb } from './verb-spec.ts';

export interface Files {
  readonly files: readonly FileSpec[];
}

const names = ({ files }: Files): string => files.map(({ name }) => name).join(', ');

const absolutePath: Shape<string> = mapped(template('matrix'), (value, spot) =>
  value.startsWith('/') || value.startsWith('${matrix.') ? value : spot.wants('an absolute path'),
);

/** Not added to the known words of the file, because each name would then make itself known. */
const removedConfig: Shape<string> = mapped(
  mentioning(text({ wanted: 'the name of a file in /etc/cni/net.d' }), (name) =>
    name.includes('${') ? { kind: 'text', text: name, reach: 'matrix' } : { kind: 'removed-config', name },
  ),
  (name, spot) => {
    const mistake = whyNoName(name);
    return mistake === undefined ? name : spot.mistake(mistake);
  },
);

export const FILE_VERBS = {
  'write-files': verb<Files>({
    shape: about(
      'files by absolute path: a mapping becomes JSON, a text is written as it is',
      mapped(filesShape('step', 'absolute path'), (files) => ({ files })),
    ),
    recorded: ['files'],
    plan: ({ files }, cell) => ({ files: files.map(cell.file) }),
    describe: names,
    files: ({ files }) => files,
  }),
  'remove-files': verb<{ readonly nodePaths: readonly string[] }>({
    shape: about(
      'absolute paths',
      mapped(oneOrMany(absolutePath), (nodePaths) => ({ nodePaths })),
    ),
    recorded: ['files'],
    plan: ({ nodePaths }, cell) => ({ nodePaths: nodePaths.map(cell.final) }),
    describe: ({ nodePaths }) => nodePaths.join(', '),
  }),
  'write-cni-config': verb<Files>({
    shape: about(
      'files in /etc/cni/net.d by name',
      mapped(filesShape('step', 'name'), (files) => ({ files })),
    ),
    recorded: ['files'],
    plan: ({ files }, cell) => ({ files: files.map(cell.file) }),
    describe: names,
    cniConfig: ({ files }) => files,
  }),
  'remove-cni-config': verb<{ readonly names: readonly string[] }>({
    shape: about(
      'names of files in /etc/cni/net.d',
      mapped(oneOrMany(removedConfig), (removed) => ({ names: removed })),
    ),
    recorded: ['files'],
    plan: (fields, cell) => ({ names: fields.names.map(cell.final) }),
    describe: (fields) => fields.names.join(', '),
  }),
};

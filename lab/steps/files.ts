import { CNI_CONFIG } from '../nodes/provision.ts';
import type { FileSpec } from '../spec/scenario.ts';
import type { FILE_VERBS } from '../spec/verbs/files.ts';
import type { StepContext, VerbEffects } from './context.ts';

export const FILE_EFFECTS: VerbEffects<keyof typeof FILE_VERBS> = {
  'write-files': (context, { files }) => writeFiles(context, files),
  'remove-files': (context, { nodePaths }) => removeFiles(context, nodePaths),
  'write-cni-config': (context, { files }) => writeFiles(context, files, CNI_CONFIG),
  'remove-cni-config': (context, { names }) =>
    removeFiles(
      context,
      names.map((name) => `${CNI_CONFIG}/${name}`),
    ),
};

/** Writes files at absolute paths, or below `folder`. */
async function writeFiles(context: StepContext, files: readonly FileSpec[], folder?: string): Promise<void> {
  await context.writeFiles(
    files.map(({ name, content, encoding, mode }) => ({
      nodePath: folder === undefined ? name : `${folder}/${name}`,
      ...(encoding === undefined ? { content: context.captures.fill(content) } : { content, encoding }),
      ...(mode === undefined ? {} : { mode }),
    })),
  );
}

export async function removeFiles(context: StepContext, nodePaths: readonly string[]): Promise<void> {
  await context.writeFiles(nodePaths.map((nodePath) => ({ nodePath, remove: true, mustExist: true })));
}

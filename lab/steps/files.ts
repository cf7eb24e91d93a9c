import { CNI_CONFIG } from '../nodes/provision.ts';
import type { FileSpec } from '../spec/scenario.ts';
import type { StepContext } from './context.ts';

/** Writes files at absolute paths, or below `folder`. */
export async function writeFiles(
  context: StepContext,
  files: readonly FileSpec[],
  folder?: string,
): Promise<void> {
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

export const writeCniConfig = (context: StepContext, files: readonly FileSpec[]): Promise<void> =>
  writeFiles(context, files, CNI_CONFIG);

export const removeCniConfig = (context: StepContext, names: readonly string[]): Promise<void> =>
  removeFiles(
    context,
    names.map((name) => `${CNI_CONFIG}/${name}`),
  );

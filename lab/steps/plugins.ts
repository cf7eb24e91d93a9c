import type { Content } from '../core/content.ts';
import { CNI_BIN, installPlugins, type InstalledPlugins } from '../nodes/plugins.ts';
import type { LabNode } from '../nodes/node.ts';
import type { ComponentRef } from '../core/components.ts';
import type { PluginsPlan } from '../plan/plan.ts';
import type { Artifact } from '../artifacts/artifact.ts';
import type { StepContext } from './context.ts';
import { removeFiles } from './files.ts';

export async function replacePlugins(context: StepContext, plan: PluginsPlan): Promise<void> {
  await installPlugins(filesOn(context), pluginArtifacts(plan, context.artifact));
}

/** A node as those see it who put programs on it: what they write is observed. */
export const filesOn = ({ node, writeFiles }: StepContext): Pick<LabNode, 'provide' | 'writeFiles'> => ({
  provide: (artifact) => node.provide(artifact),
  writeFiles,
});

/** A plan's plugins with the artifacts that bring them. */
export function pluginArtifacts(
  plan: PluginsPlan,
  artifact: (ref: ComponentRef) => Artifact,
): InstalledPlugins {
  return {
    ...(plan.set === undefined ? {} : { set: artifact(plan.set) }),
    overrides: plan.overrides.map(({ plugin, from }) => ({ plugin, from: artifact(from) })),
  };
}

export async function removePlugins(context: StepContext, plugins: readonly string[]): Promise<void> {
  await removeFiles(
    context,
    plugins.map((plugin) => `${CNI_BIN}/${plugin}`),
  );
}

/** Puts a script of the scenario in a plugin's place: how a slow, failing or babbling plugin is had exactly. */
export async function fakePlugin(
  context: StepContext,
  { plugin, script }: { plugin: string; script: Content },
): Promise<void> {
  const nodePath = `${CNI_BIN}/${plugin}`;
  await context.writeFiles([{ nodePath, ...script, mode: 0o755 }]);
}

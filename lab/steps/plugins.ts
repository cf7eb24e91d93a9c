import { CNI_BIN, type ComponentRef, type PluginsPlan } from '../core/components.ts';
import { FAKE_PROGRAM } from '../core/fake-plugin.ts';
import { fakeFiles, installPlugins, type InstalledPlugins } from '../nodes/provision.ts';
import type { LabNode } from '../nodes/node.ts';
import type { Artifact } from '../artifacts/artifact.ts';
import type { PLUGIN_VERBS } from '../spec/verbs/plugins.ts';
import type { StepContext, VerbEffects } from './context.ts';
import { removeFiles } from './files.ts';

export const PLUGIN_EFFECTS: VerbEffects<keyof typeof PLUGIN_VERBS> = {
  'install-plugins': async (context, { plugins }) => {
    await installPlugins(filesOn(context), pluginArtifacts(plugins, context.artifact));
  },
  'remove-plugins': (context, { plugins }) =>
    removeFiles(
      context,
      plugins.map((plugin) => `${CNI_BIN}/${plugin}`),
    ),
  'fake-plugin': async (context, { plugin, ...as }) => {
    if ('script' in as)
      await context.writeFiles([{ nodePath: `${CNI_BIN}/${plugin}`, ...as.script, mode: 0o755 }]);
    else {
      const program = context.artifact(FAKE_PROGRAM);
      await context.writeFiles(await fakeFiles(context.node, { plugin, script: as.fake, program }));
    }
  },
};

/** The node as an interface for functions that install programs. What they write is observed. */
export const filesOn = ({ node, writeFiles }: StepContext): Pick<LabNode, 'provide' | 'writeFiles'> => ({
  provide: (artifact) => node.provide(artifact),
  writeFiles,
});

/** The plugins of a plan with the artifacts that contain them. */
export function pluginArtifacts(
  plan: PluginsPlan,
  artifact: (ref: ComponentRef) => Artifact,
): InstalledPlugins {
  return {
    ...(plan.set === undefined ? {} : { set: artifact(plan.set) }),
    overrides: plan.overrides.map(({ plugin, from }) => ({ plugin, from: artifact(from) })),
    ...(plan.fakes === undefined
      ? {}
      : { fakes: plan.fakes.map((fake) => ({ ...fake, program: artifact(FAKE_PROGRAM) })) }),
  };
}

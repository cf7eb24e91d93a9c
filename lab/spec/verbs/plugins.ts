import { describePlugins, pluginRefs, type PluginsPlan } from '../../core/components.ts';
import type { Content } from '../../core/content.ts';
import { mentioning } from '../mention.ts';
import { pluginsShape, pluginVersions } from '../node-shape.ts';
import { object } from '../object-shape.ts';
import { text } from '../scalar-shapes.ts';
import type { CniPluginsSpec } from '../scenario.ts';
import { about, mapped, oneOrMany } from '../shape.ts';
import { contentShape } from '../text-shapes.ts';
import { asWritten, verb } from './verb-spec.ts';

const pluginShape = about(
  'in /opt/cni/bin',
  mentioning(text({ wanted: 'the name of a plugin', pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]*$/ }), (name) => ({
    kind: 'plugin',
    name,
  })),
);

export const PLUGIN_VERBS = {
  'install-plugins': verb<{ readonly plugins: CniPluginsSpec }, { readonly plugins: PluginsPlan }>({
    shape: about(
      'what is in /opt/cni/bin from now on',
      mapped(pluginsShape, (plugins) => ({ plugins })),
    ),
    recorded: ['files'],
    plan: ({ plugins }, cell) => ({ plugins: cell.plugins(plugins) }),
    describe: ({ plugins }) => describePlugins(plugins),
    versions: ({ plugins }) => pluginVersions(plugins),
    components: ({ plugins }) => pluginRefs(plugins),
  }),
  'remove-plugins': verb<{ readonly plugins: readonly string[] }>({
    shape: about(
      'names of plugins',
      mapped(oneOrMany(pluginShape), (plugins) => ({ plugins })),
    ),
    recorded: ['files'],
    plan: asWritten,
    describe: ({ plugins }) => plugins.join(', '),
  }),
  'fake-plugin': verb<{ readonly plugin: string; readonly script: Content }>({
    shape: about(
      'puts a script in the place of a plugin',
      object(
        {
          required: {
            plugin: pluginShape,
            script: about('with its #! line; or { from: ./x.sh }', contentShape('matrix')),
          },
          optional: {},
        },
        asWritten,
      ),
    ),
    recorded: ['files'],
    plan: ({ plugin, script }, cell) => ({
      plugin,
      // bytes that are no text refer to nothing
      script: script.encoding === undefined ? { content: cell.final(script.content) } : script,
    }),
    describe: ({ plugin }) => plugin,
    scripts: ({ script }) => [script],
  }),
};

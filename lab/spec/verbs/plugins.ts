import { describePlugins, pluginRefs, type PluginsPlan } from '../../core/components.ts';
import type { Content } from '../../core/content.ts';
import { FAKE_PROGRAM, type FakeScript } from '../../core/fake-plugin.ts';
import type { JsonObject } from '../../core/content.ts';
import { delegatesToItself, fakeScriptShape } from '../fake-shape.ts';
import { mentioning } from '../mention.ts';
import { pluginsShape, pluginVersions } from '../node-shape.ts';
import { object } from '../object-shape.ts';
import { text } from '../scalar-shapes.ts';
import type { CniPluginsSpec } from '../scenario.ts';
import { about, mapped, oneOrMany } from '../shape.ts';
import { contentShape } from '../text-shapes.ts';
import type { WrittenObject } from '../written-json.ts';
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
  'fake-plugin': verb<FakedBy<WrittenObject>, FakedBy>({
    shape: about(
      'puts a scripted plugin, or a program of the scenario, in the place of a plugin',
      object(
        {
          required: { plugin: pluginShape },
          optional: {
            fake: about('what it does, by verb', fakeScriptShape),
            script: about('with its #! line; or { from: ./x.sh }', contentShape('matrix')),
          },
        },
        ({ plugin, fake, script }, spot) => {
          if (fake !== undefined && script === undefined)
            return delegatesToItself({ plugin, script: fake }, spot) ? undefined : { plugin, fake };
          if (script !== undefined && fake === undefined) return { plugin, script };
          return spot.mistake(`wanted either "fake" or "script"`);
        },
      ),
    ),
    recorded: ['files'],
    plan: ({ plugin, ...as }, cell) => {
      if ('fake' in as) return { plugin, fake: cell.fake(as.fake) };
      const { script } = as;
      // binary content refers to nothing
      return {
        plugin,
        script: script.encoding === undefined ? { content: cell.final(script.content) } : script,
      };
    },
    describe: ({ plugin }) => plugin,
    components: (fields) => ('fake' in fields ? [FAKE_PROGRAM] : []),
    scripts: (fields) => ('script' in fields ? [fields.script] : []),
  }),
};

/** A plugin that follows instructions for each verb, or a script in the scenario. */
type FakedBy<Result = JsonObject> = { readonly plugin: string } & (
  { readonly fake: FakeScript<Result> } | { readonly script: Content }
);

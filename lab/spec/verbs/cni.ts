import { CNI_VERBS, type CniVerb } from '../../core/fake-plugin.ts';
import { object, present } from '../object-shape.ts';
import { text, word } from '../scalar-shapes.ts';
import type { FileSpec } from '../scenario.ts';
import { about, byKind, mapOf, mapped, type Shape } from '../shape.ts';
import { contentShape, forTexts, jsonContent, template, usedPod, whyNoName } from '../text-shapes.ts';
import { verb } from './verb-spec.ts';

/** A call of one plugin or of a complete network, with the arguments that a runtime would use for a container. */
export interface CniCommand {
  readonly verb: CniVerb;
  /** only this plugin; missing: all plugins of the network */
  readonly plugin?: string;
  /** of the network, or of the single plugin; missing: the configuration of the node */
  readonly config?: FileSpec;
  /** a file in /etc/cni/net.d; missing: the first one */
  readonly network?: string;
  /** the pod whose sandbox it is about */
  readonly pod?: string;
  /** a path, or the name of a namespace that the lab creates */
  readonly netns?: string;
  readonly containerId?: string;
  readonly ifname?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly capabilities?: FileSpec;
}

const pluginName: Shape<string> = mapped(template('matrix'), (name, spot) =>
  name.includes('${') || /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)
    ? name
    : spot.wants('the name of a plugin'),
);

const json = jsonContent('step');

const configShape: Shape<FileSpec> = mapped(
  byKind<Pick<FileSpec, 'content' | 'encoding' | 'mapping'>>({
    ...forTexts(contentShape('step')),
    mapping: {
      ...json,
      read: (spot) =>
        (spot.entries.some(({ name }) => name === 'from') ? contentShape('step') : json).read(spot),
    },
  }),
  (content, spot): FileSpec | undefined =>
    content.encoding === undefined
      ? { ...content, name: 'config', place: spot.place }
      : spot.mistake(
          'a configuration that is not UTF-8 can only be written to a file, and called from there',
        ),
);

const capabilitiesShape: Shape<FileSpec> = mapped(json, (content, spot) => ({
  ...content,
  name: 'capabilities',
  place: spot.place,
}));

const argsShape: Shape<Readonly<Record<string, string>>> = mapped(
  mapOf(template('step'), {
    key: (name, spot) => (/^[^=;]+$/.test(name) ? undefined : spot.mistake('a key has neither "=" nor ";"')),
    build: (value, name) => [name, value] as const,
  }),
  (pairs) => Object.fromEntries(pairs),
);

export const CNI_CALL_VERBS = {
  cni: verb<CniCommand>({
    shape: about(
      'calls a plugin, or all of a network, as a runtime does',
      object(
        {
          required: { verb: about('of CNI', word(CNI_VERBS)) },
          optional: {
            plugin: about(
              'this one alone: its own output and exit code; default: all of the network, by libcni',
              pluginName,
            ),
            network: about(
              'a file of /etc/cni/net.d; default: the first by name',
              mapped(text(), (name, spot) => {
                const wrong = whyNoName(name);
                return wrong === undefined ? name : spot.mistake(wrong);
              }),
            ),
            config: about(
              "of the network or the plugin, in place of the node's: a mapping, a text, or { from: ./x }",
              configShape,
            ),
            pod: about("whose id, namespace and arguments it gets, as the runtime's call has them", usedPod),
            netns: about(
              'a path, there or not, or the name of a namespace that ADD makes; default: the container-id',
              template('step'),
            ),
            'container-id': about('default: cnilab', template('step')),
            ifname: about('default: eth0', template('step')),
            args: about('CNI_ARGS: K8S_POD_NAME: web', argsShape),
            capabilities: about(
              'of which each plugin gets what it asks for: portMappings: […]',
              capabilitiesShape,
            ),
          },
          otherWords: {
            command: 'it is called verb',
            conflist: 'it is called config',
            stdin: 'it is called config',
            'cap-args': 'it is called capabilities',
          },
        },
        (values, spot): CniCommand | undefined => {
          const { verb: call, plugin, network, config, pod, netns, ifname, args, capabilities } = values;
          const containerId = values['container-id'];
          if (config !== undefined && network !== undefined)
            return spot.mistake('either "config" or "network" says which configuration it is');
          if (pod !== undefined && (netns ?? containerId ?? args) !== undefined)
            return spot.mistake(
              '"pod" brings container-id, netns and args; write these, with ${web.id}, in its place',
            );
          const more = present({
            plugin,
            network,
            config,
            pod,
            netns,
            containerId,
            ifname,
            args,
            capabilities,
          });
          return { verb: call, ...more };
        },
      ),
    ),
    recorded: ['command'],
    plan: ({ verb: call, plugin, network, pod, ...texts }, cell) => {
      const { config, capabilities, netns, containerId, ifname, args } = texts;
      const filled = (one: string | undefined) => (one === undefined ? undefined : cell.template(one));
      const file = (one: FileSpec | undefined) => (one === undefined ? undefined : cell.file(one));
      return {
        verb: call,
        ...present({
          ...{
            plugin: plugin && cell.final(plugin),
            network,
            pod,
            config: file(config),
            capabilities: file(capabilities),
          },
          ...{ netns: filled(netns), containerId: filled(containerId), ifname: filled(ifname) },
          args:
            args &&
            Object.fromEntries(Object.entries(args).map(([key, value]) => [key, cell.template(value)])),
        }),
      };
    },
    describe: ({ verb: call, plugin, network, pod }) =>
      [call, plugin, network, pod === undefined ? undefined : `for pod ${pod}`].filter(Boolean).join(' '),
    otherPods: ({ pod }) => (pod === undefined ? [] : [pod]),
    scripts: ({ config }) => (config === undefined ? [] : [config]),
  }),
};

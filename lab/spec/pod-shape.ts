import { isIP } from 'node:net';

import { present, object } from './object-shape.ts';
import { bool, wholeNumber, word } from './scalar-shapes.ts';
import type { PodSpec } from './scenario.ts';
import { about, list, mapOf, mapped, notEmpty, oneOrMany, type Shape } from './shape.ts';
import { nameShape, template } from './text-shapes.ts';

/** The protocols of `host-ports`, `connect` and `listen`. */
export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const portShape = wholeNumber({ min: 1, max: 65535 });
export const protocolShape = about('default: tcp', word(PROTOCOLS));

/**
 * Keys that a runtime may not know, and their paths in the CRI config. Host ports, annotations and labels exist in
 * every version of CRI, and so do the other keys of a container.
 */
export const CRI_FIELDS = {
  pod: {
    dns: 'dns_config',
    sysctls: 'linux.sysctls',
    'namespaces.pid': 'linux.security_context.namespace_options.pid',
    'namespaces.ipc': 'linux.security_context.namespace_options.ipc',
    'namespaces.user': 'linux.security_context.namespace_options.userns_options',
  },
  container: { seccomp: 'linux.security_context.seccomp' },
} as const;
/** Whether a pod has such a key. If so, running it captures the keys that the runtime ignored, as `web.ignored`. */
export const hasCriFields = ({ dns, sysctls, namespaces }: PodSpec): boolean =>
  dns !== undefined || sysctls !== undefined || namespaces !== undefined;

export const CRI_KEYS = Object.keys(CRI_FIELDS.pod);
export const CRI_KEYS_OF_CONTAINER = Object.keys(CRI_FIELDS.container);

const addressOfNode: Shape<string> = mapped(template('matrix'), (ip, spot) =>
  ip.includes('${') || isIP(ip) !== 0 ? ip : spot.wants('an IP address of the node'),
);

const hostPortShape = object(
  {
    required: { host: about('port of the node', portShape), container: about('port of the pod', portShape) },
    optional: {
      protocol: protocolShape,
      'host-ip': about('the address of the node that the port is on; default: all of them', addressOfNode),
    },
  },
  ({ host, container, protocol, 'host-ip': hostIp }): PodSpec['hostPorts'][number] => ({
    hostPort: host,
    containerPort: container,
    protocol: protocol ?? 'tcp',
    ...present({ hostIp }),
  }),
);

/** Texts by key, which can refer to the matrix. */
export const textsByKey: Shape<Readonly<Record<string, string>>> = mapped(
  mapOf(template('matrix'), { build: (value, key) => [key, value] as const }),
  (pairs) => Object.fromEntries(pairs),
);

const texts = oneOrMany(template('matrix'));

const dnsShape = notEmpty(
  object(
    {
      required: {},
      optional: {
        servers: about('addresses of name servers', texts),
        searches: about('domains that names are looked up in', texts),
        options: about('such as ndots:5', texts),
      },
      otherWords: { nameservers: 'they are called servers', search: 'it is called searches' },
    },
    (values) => present(values),
  ),
  'leave "dns" out, and the pod has the resolv.conf of the node',
);

const namespacesShape = notEmpty(
  object(
    {
      required: {},
      optional: {
        pid: about(
          'pod: one for all containers (default); container: one each',
          word(['pod', 'container', 'node']),
        ),
        ipc: about('default: pod', word(['pod', 'node'])),
        user: about('pod: user 0 of the pod is user 65536 of the node', word(['pod', 'node'])),
      },
      otherWords: {
        network: 'write host-network: true beside "namespaces"',
        net: 'write host-network: true',
      },
    },
    (values) => present(values),
  ),
  'leave "namespaces" out, or name pid, ipc or user',
);

const hostnameShape = mapped(template('matrix'), (name, spot) =>
  name.length <= 63 || name.includes('${') ? name : spot.mistake('a hostname has at most 63 characters'),
);

const podShape = object(
  {
    required: {},
    optional: {
      'host-ports': about(
        'ports of the node that lead to the pod, by the portmap plugin',
        list(hostPortShape),
      ),
      annotations: about('of the sandbox', textsByKey),
      labels: about('of the sandbox', textsByKey),
      'host-network': about('the pod shares the network of the node', bool),
      namespace: about('its Kubernetes namespace; default: default', template('matrix')),
      uid: about('default: the name and -uid', template('matrix')),
      hostname: about('default: its name; a pod with host-network has none', hostnameShape),
      dns: about('in place of what the node has in /etc/resolv.conf', dnsShape),
      sysctls: about('kernel parameters in the namespaces of the pod', textsByKey),
      namespaces: about('which namespaces the pod has of its own', namespacesShape),
      'runtime-handler': about(
        'the runtime class: a handler of the configuration of the runtime',
        template('matrix'),
      ),
    },
    otherWords: {
      'host-pid': 'write namespaces: { pid: node }',
      'host-ipc': 'write namespaces: { ipc: node }',
      'host-users': 'write namespaces: { user: pod } or { user: node }',
      'runtime-class': 'it is called runtime-handler',
    },
  },
  (values): Omit<PodSpec, 'name'> => ({
    hostPorts: values['host-ports'] ?? [],
    annotations: values.annotations ?? {},
    labels: values.labels ?? {},
    hostNetwork: values['host-network'] ?? false,
    ...present({
      namespace: values.namespace,
      uid: values.uid,
      hostname: values.hostname,
      dns: values.dns,
      sysctls: values.sysctls,
      namespaces: values.namespaces,
      runtimeHandler: values['runtime-handler'],
    }),
  }),
);

/** Pods with more than default settings, by name. */
export const podsShape: Shape<readonly PodSpec[]> = mapOf(podShape, {
  key: (name, spot) => {
    nameShape.read(spot);
    spot.mention({ kind: 'declared-pod', name });
  },
  build: (value, name) => ({ name, ...value }),
});

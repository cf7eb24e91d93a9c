import type { ComponentName } from '../../core/components.ts';

const PLUGINS =
  'bandwidth bridge dhcp dummy firewall flannel host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap tuning vlan vrf';

/** The programs that an artifact of each component may contain; whatever else is in an archive is left there. */
export const COMPONENT_PROGRAMS: { readonly [C in ComponentName]: readonly string[] } = {
  containerd: ['containerd', 'containerd-shim-runc-v1', 'containerd-shim-runc-v2', 'ctr'],
  runc: ['runc'],
  'cni-plugins': PLUGINS.split(' '),
  crictl: ['crictl'],
};

/** Without these an artifact is of no use. */
export const NEEDED_PROGRAMS: { readonly [C in ComponentName]: readonly string[] } = {
  containerd: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  runc: ['runc'],
  'cni-plugins': ['bridge', 'loopback', 'host-local', 'portmap'],
  crictl: ['crictl'],
};

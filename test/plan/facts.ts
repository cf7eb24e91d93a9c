import { byComponent } from '../../lab/core/components.ts';
import type { PlanOptions } from '../../lab/plan/plan-scenarios.ts';

/** The facts about versions in tests of plans. */
export const OPTIONS: PlanOptions = {
  facts: {
    defaults: {
      containerd: '2.4.2',
      crio: '1.34.0',
      runc: '1.1.15',
      'cni-plugins': '1.9.1',
      crictl: '1.36.0',
      kubernetes: '1.24.17',
      etcd: '3.5.6',
      kind: '0.33.0',
    },
    beside: {
      ...byComponent(() => ({})),
      runc: { containerd: { 2: '1.3.6' } },
      crictl: { containerd: { '1.4': '1.25.0', '1.5': '1.25.0' } },
    },
    suites: { bookworm: { containerd: '1.6.20', runc: '1.1.5' }, trixie: { containerd: '1.7.24' } },
    localVersions: { '/home/me/build': '1.6.99' },
  },
  cwd: '/home/me/lab',
};

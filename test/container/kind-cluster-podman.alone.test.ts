import { test } from 'vitest';

import { podmanClient } from '../rig/engine.ts';
import { nodeInStep } from '../rig/journal.ts';
import { kindClusterLab } from '../rig/kind-cluster-lab.ts';
import { HOUR_MS } from '../rig/until.ts';

// kind reads files on its nodes with `podman exec`, which on a busy machine may lose all that a command printed
// (containers/podman issue 9096). kind then gives up, and the run is inconclusive. So nothing else runs beside this.
const lab = kindClusterLab({ engineName: 'podman-4.3', client: podmanClient, networks: ['bridge'] });

test(
  'the upgrade of a cluster passes, and nothing of the cluster remains',
  { timeout: HOUR_MS },
  async () => {
    await lab.ended(lab.run('upgrade-a-cluster', 'podman'));
  },
);

test('kill -9 of the lab while the cluster runs leaves nothing in the engine', { timeout: HOUR_MS }, () =>
  lab.killedAt('the cluster runs on Podman', (folder) => nodeInStep(folder, '1-apply')),
);

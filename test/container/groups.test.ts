import { testGroups } from '../rig/group-tests.ts';

for (const engine of ['docker-26.1', 'docker-20.10', 'podman-4.3'] as const)
  testGroups(engine, { backend: 'container', engine });

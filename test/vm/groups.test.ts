import { testGroups } from '../rig/group-tests.ts';

testGroups('vm', { backend: 'vm' });

import { testGroups } from '../rig/group-tests.ts';

testGroups('bare', { backend: 'bare' });

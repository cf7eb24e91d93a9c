import { expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { ROOT } from '../rig/cnilab.ts';

test('the package folder is also found from the sources', () => {
  expect(ambientWorld().packageHostPath).toBe(ROOT);
});

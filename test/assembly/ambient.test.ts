import { expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { ROOT } from '../rig/cnilab.ts';

test('the folder of the package is found from the sources, too', () => {
  expect(ambientWorld().packageHostPath).toBe(ROOT);
});

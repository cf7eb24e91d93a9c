import { expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { ROOT } from '../rig/cnilab.ts';

test('the package folder is also found from the sources', () => {
  expect(ambientWorld().packageHostPath).toBe(ROOT);
});

test('the width of a terminal is its present one', () => {
  const before = ['isTTY', 'columns'].map(
    (name) => [name, Object.getOwnPropertyDescriptor(process.stdout, name)] as const,
  );
  const set = (name: string, value: unknown) =>
    Object.defineProperty(process.stdout, name, { value, configurable: true, writable: true });
  try {
    set('isTTY', true);
    set('columns', 100);
    const { out } = ambientWorld();
    expect(out.columns).toBe(100);
    set('columns', 50);
    expect(out.columns).toBe(50);
  } finally {
    for (const [name, descriptor] of before) {
      Reflect.deleteProperty(process.stdout, name);
      if (descriptor !== undefined) Object.defineProperty(process.stdout, name, descriptor);
    }
  }
});

import { expect, test } from 'vitest';
import { configTrouble } from '../../lab/judge/runtime.ts';

const trouble = (at: number) =>
  `time="${at}" level=error msg="failed to load cni during init" error="cni config load failed: invalid character"`;
const LOG = `${trouble(1)}\ntime="2" level=info msg=other\n${trouble(3)}\ntime="4" level=error msg="RunPodSandbox failed"\n`;

test('a runtime without a configuration shows the reason that it logged when it read it', () => {
  expect(configTrouble('failed to setup network for sandbox: cni plugin not initialized', LOG)).toEqual([
    trouble(3),
  ]);
});

test('a failure of another kind does not show it', () => {
  expect(configTrouble('plugin type="bridge" failed', LOG)).toEqual([]);
});

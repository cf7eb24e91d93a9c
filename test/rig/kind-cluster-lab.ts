import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect } from 'vitest';

import { containerLab } from './container-lab.ts';
import { remainsOf, startEngine, type EngineName, type TestEngine } from './engine.ts';
import { processesWith } from './launched.ts';
import { scratchFolder } from './scratch.ts';
import { HOUR_MS, until } from './until.ts';

/** An engine with a cluster of somebody else; `networks` are its own. */
export interface EngineOfUser {
  readonly engineName: EngineName;
  readonly client: (engine: TestEngine) => Promise<string>;
  readonly networks: readonly string[];
}

const KUBECONFIG = 'current-context: mine\n';

/** A lab with an engine that is started before the tests of a file. */
export function kindClusterLab({ engineName, client, networks }: EngineOfUser) {
  const output = scratchFolder();
  /** of the user */
  const kubeconfig = join(output, 'kubeconfig');
  const run = (scenario: string, folder: string): readonly string[] => [
    ...['run', scenario, '--backend', 'kind', '--output', join(output, folder)],
  ];
  let engine: TestEngine;
  let lab: ReturnType<typeof containerLab>;
  let env: Readonly<Record<string, string>>;
  const notOurs = ['/their-control-plane created', 'cnilab-artifacts', 'kind', ...networks].sort();

  /** What the engine has, without what is kept between runs: names of containers, networks and volumes. */
  async function inEngine(): Promise<readonly string[]> {
    const { containers, volumes } = await lab.state();
    const all = await lab.docker.listNetworks();
    return [...containers, ...volumes, ...all.map(({ Name }) => Name)].sort();
  }

  beforeAll(async () => {
    engine = await startEngine(engineName, { network: true });
    lab = containerLab(engine);
    writeFileSync(kubeconfig, KUBECONFIG);
    env = { KUBECONFIG: kubeconfig, PATH: `${await client(engine)}:${process.env['PATH'] ?? ''}` };
    expect((await lab.cnilab(['fetch', 'kubernetes'])).exitCode).toBe(0);
    const single = [...run('missing-version', 'single'), '--containerd', '1.6.3'];
    expect(await lab.cnilab(single)).toMatchObject({ exitCode: 0 });
    const [image = ''] = (await lab.state()).images;
    await lab.docker.createNetwork({ Name: 'kind' });
    await lab.docker.createContainer({
      ...{ name: 'their-control-plane', Image: image, HostConfig: { NetworkMode: 'kind' } },
      Labels: { 'io.x-k8s.kind.cluster': 'their', 'io.x-k8s.kind.role': 'control-plane' },
    });
    expect(await inEngine()).toEqual(notOurs);
  }, HOUR_MS);
  afterAll(async () => {
    expect(readFileSync(kubeconfig, 'utf8')).toBe(KUBECONFIG);
    // what removes the clusters of killed labs looks for some seconds more
    await until('its end', async () => processesWith('delete cluster --name').length === 0);
    await engine[Symbol.asyncDispose]();
    expect(remainsOf(engine)).toEqual([]);
  });

  return {
    output,
    run,
    docker: () => lab.docker,
    state: () => lab.state(),
    inEngine,
    /** Kills a lab at a moment of a run, and waits until nothing of the run is in the engine. */
    killedAt: async (moment: string, come: (folder: string) => Promise<unknown>) => {
      const folder = moment.replaceAll(' ', '-');
      const started = lab.start(run('upgrade-a-cluster', folder), { env });
      await come(join(output, folder));
      started.process.kill('SIGKILL');
      expect((await started.finished).signal).toBe('SIGKILL');
      await until(
        'the end of the cluster',
        async () => JSON.stringify(await inEngine()) === JSON.stringify(notOurs),
      );
    },
    /** Runs a scenario that passes, or ends with another exit code, and returns what was printed. */
    async ended(args: readonly string[], expected = 0): Promise<string> {
      const { exitCode, stdout, stderr } = await lab.cnilab(args, { env });
      expect(exitCode, `${stdout}${stderr}`).toBe(expected);
      expect(await inEngine()).toEqual(notOurs);
      return stdout;
    },
  };
}

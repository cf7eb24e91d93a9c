import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { createApt } from '../../lab/artifacts/apt/apt.ts';
import { createGoTool } from '../../lab/artifacts/go/tool.ts';
import { holdSums } from '../../lab/artifacts/go/build.ts';
import { updatePins } from './update-pins.ts';
import { systemClock } from '../../lab/host/machine.ts';
import { createConnect } from '../../lab/host/connect.ts';
import { createLeashedExec } from '../../lab/host/exec.ts';
import { createHttp } from '../../lab/host/http.ts';
import { COMPONENTS } from '../../lab/core/components.ts';
import { parsePins } from '../../lab/plan/pins.ts';

interface Given {
  readonly root: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The implementation of update-pins.mjs; see there for its arguments. */
export async function main({ root, argv, env }: Given): Promise<void> {
  const pinsHostPath = join(root, 'images/pins.yaml');
  const yamlText = await readFile(pinsHostPath, 'utf8');
  const { signal } = new AbortController();
  const http = createHttp({
    connect: createConnect({ env, connectTimeoutMs: 3_000 }),
    stallTimeoutMs: 20_000,
  });
  if (argv.includes('--gomod')) {
    const pins = parsePins(parse(yamlText, { schema: 'failsafe' }));
    if (!pins.ok) throw new Error(pins.error);
    const { cacheHostPath } = ambientWorld();
    const exec = createLeashedExec({ env });
    const go = createGoTool({ exec, env, cacheHostPath, arch: 'amd64', offline: false });
    const apt = createApt({
      exec,
      env,
      cacheHostPath,
      http,
      clock: systemClock,
      offline: false,
      arch: 'amd64',
      debianSuites: pins.value.debianSuites,
      securitySuites: pins.value.debianSecuritySuites,
    });
    await holdSums({
      pins: pins.value,
      go,
      apt,
      sumsHostPath: join(root, 'images/gomod'),
      signal,
      onProgress: console.log,
    });
    return;
  }
  const mirrorAt = argv.indexOf('--mirror');
  const words = argv.filter(
    (word, index) => mirrorAt === -1 || (index !== mirrorAt && index !== mirrorAt + 1),
  );
  const wanted = words.flatMap((word, index) => {
    const component = COMPONENTS.find((name) => name === word);
    const version = words[index + 1];
    return component === undefined || version === undefined ? [] : [{ component, version }];
  });
  if (wanted.length * 2 !== words.length)
    throw new Error(`wanted COMPONENT VERSION pairs, got: ${words.join(' ')}`);
  const mirror = mirrorAt === -1 ? undefined : argv[mirrorAt + 1];
  const updated = await updatePins({ yamlText, wanted, http, mirror, signal });
  for (const { component, version, sums } of updated.added) {
    console.log(`${component} ${version}: ${Object.keys(sums).join(', ')}`);
  }
  if (updated.added.length === 0) console.log('nothing new');
  await writeFile(pinsHostPath, updated.yamlText);
}

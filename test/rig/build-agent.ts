import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Artifact } from '../../lab/artifacts/artifact.ts';

/**
 * The agent as an artifact in a cache of its own, for tests that need only nodes: no sources and no pins are needed.
 */
export interface AgentForTests extends Disposable {
  readonly nodeTools: Artifact;
  readonly artifactsHostPath: string;
  readonly stateHostPath: string;
}

export function buildAgent(): AgentForTests {
  const folder = mkdtempSync(join(tmpdir(), 'cnilab-test-'));
  const hostPath = join(folder, 'artifacts/node-tools');
  execFileSync('go', ['build', '-trimpath', '-o', join(hostPath, 'bin/agent'), './cmd/agent'], {
    cwd: new URL('../../images/node-tools', import.meta.url),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return {
    artifactsHostPath: join(folder, 'artifacts'),
    stateHostPath: join(folder, 'nodes'),
    nodeTools: {
      name: 'node-tools',
      version: 'test',
      source: 'own',
      key: 'test',
      hostPath,
      files: [],
      madeBy: 'go build',
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

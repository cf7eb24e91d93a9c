import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GoTool } from '../../lab/artifacts/go/tool.ts';
import { NODE_TOOLS, nodeToolsRecipes } from '../../lab/artifacts/own/node-tools.ts';
import { LabError } from '../../lab/core/lab-error.ts';

let sourceHostPath: string;
beforeEach(() => (sourceHostPath = mkdtempSync(join(tmpdir(), 'cnilab-node-tools-'))));
afterEach(() => rmSync(sourceHostPath, { recursive: true }));

const go: GoTool = {
  found: true,
  offline: false,
  run: () => Promise.reject(new Error('nothing is built yet')),
};
const versions = () => nodeToolsRecipes({ sourceHostPath, arch: 'amd64', go }).map(({ version }) => version);

function carry(): void {
  mkdirSync(join(sourceHostPath, 'dist/amd64'), { recursive: true });
  for (const tool of NODE_TOOLS) writeFileSync(join(sourceHostPath, 'dist/amd64', tool), tool);
}

test('the package, which has no sources, uses the programs that it contains', () => {
  carry();
  expect(versions()).toEqual(['prebuilt']);
});

test('a checkout builds its sources even if an older build for a package exists', () => {
  writeFileSync(join(sourceHostPath, 'go.mod'), 'module m\n');
  const withoutBuild = versions();
  carry();
  expect(versions()).toEqual(withoutBuild);
});

test('with neither sources nor programs there is one message', () => {
  expect(versions).toThrow(LabError);
  expect(versions).toThrow(
    `this cnilab has neither our programs for nodes nor their sources in ${sourceHostPath}; use the npm package or a checkout`,
  );
});

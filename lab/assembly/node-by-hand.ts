import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { contentOf } from '../core/content.ts';
import type { NodeLimits, SystemCalls } from '../core/node-state.ts';
import { BadInput } from '../core/lab-error.ts';
import { mergeTables, readConfigTables } from '../spec/config-tables.ts';
import { literalContent, whyNoName, whyNoPath } from '../spec/text-shapes.ts';
import { parseLimit } from '../spec/limits.ts';
import { scenarioOfNode, type FileSpec, type Scenario } from '../spec/scenario.ts';
import { literally } from '../spec/template.ts';
import { mistakesFound, readScenarios } from './plan-files.ts';
import type { World } from './world.ts';

/** Options for a node that is used manually. They cover everything that `node:` of a scenario can specify. */
export interface NodeByHandFlags {
  /** a scenario whose node is started, before its first step; other options add to it or replace parts of it */
  readonly scenario?: string;
  readonly cniConfig?: readonly string[];
  readonly runtimeConfig?: string;
  /** path on the node=path on this host */
  readonly file?: readonly string[];
  readonly systemCalls?: SystemCalls;
  /** for example `memory=512MiB`, one for each limit */
  readonly limit?: readonly string[];
}

export async function nodeByHand(world: World, flags: NodeByHandFlags): Promise<Scenario> {
  const { cniConfig = [], file = [], runtimeConfig, systemCalls, limit = [] } = flags;
  const scenario =
    flags.scenario === undefined
      ? scenarioOfNode({ summary: 'a node for work by hand', place: COMMAND_LINE, node: {} })
      : await onlyItsNode(world, flags.scenario);
  const [node, second] = scenario.nodes;
  if (node === undefined || second !== undefined)
    throw new BadInput(
      `${scenario.name} is about ${scenario.nodes.length} nodes, and one is started by hand`,
    );
  const tables = runtimeConfig === undefined ? undefined : readTables(world, runtimeConfig);
  return {
    ...scenario,
    nodes: [
      {
        ...node,
        ...(systemCalls === undefined ? {} : { systemCalls }),
        ...(limit.length === 0 ? {} : { limitsOver: limitsOf(limit) }),
        ...(tables === undefined
          ? {}
          : { runtimeConfig: mergeTables(node.runtimeConfig ?? NO_TABLES, tables) }),
        cniConfig: over(
          node.cniConfig,
          cniConfig.map((path) => fileOf(world, { flag: '--cni-config', name: basename(path), path })),
        ),
        files: over(
          node.files,
          file.map((word) => fileOf(world, { flag: '--file', ...splitFile(word) })),
        ),
      },
    ],
  };
}

function limitsOf(words: readonly string[]): NodeLimits {
  return words.reduce((before: NodeLimits, word) => {
    const limit = parseLimit(word);
    if (!limit.ok) throw new BadInput(`--limit: ${limit.error}`);
    return { ...before, ...limit.value };
  }, {});
}

const COMMAND_LINE = { file: 'command line', line: 1, column: 1 };
const NO_TABLES = { is: 'mapping', entries: [] } as const;

async function onlyItsNode(world: World, name: string): Promise<Scenario> {
  const { scenarios, mistakes } = await readScenarios(world, [name]);
  if (mistakes.length > 0) throw mistakesFound(mistakes);
  const [scenario, second] = scenarios;
  if (scenario === undefined || second !== undefined)
    throw new BadInput(`one node is of one scenario; ${name} stands for ${scenarios.length}`);
  const { control: _control, ...sound } = scenario;
  return { ...sound, pods: [], steps: [], expect: [] };
}

function over(files: readonly FileSpec[], more: readonly FileSpec[]): readonly FileSpec[] {
  return [...new Map([...files, ...more].map((file) => [file.name, file])).values()];
}

function splitFile(word: string): { readonly name: string; readonly path: string } {
  const equals = word.indexOf('=');
  if (equals < 1) throw new BadInput(`--file wants PATH-ON-THE-NODE=FILE; got ${JSON.stringify(word)}`);
  return { name: word.slice(0, equals), path: word.slice(equals + 1) };
}

/** A file with the same bytes and the same executable bit as on this host. */
function fileOf(
  world: World,
  { flag, name, path }: { readonly flag: string; readonly name: string; readonly path: string },
): FileSpec {
  const wrong = flag === '--file' ? whyNoPath(name) : whyNoName(name);
  if (wrong !== undefined) throw new BadInput(`${flag}: ${wrong}`);
  const hostPath = resolve(world.cwd, path);
  const bytes = readBytes(hostPath, flag);
  const mode = statSync(hostPath).mode & 0o777;
  return {
    name: literally(name),
    ...literalContent(contentOf(bytes)),
    ...((mode & 0o111) === 0 ? {} : { mode }),
    place: COMMAND_LINE,
  };
}

function readTables(world: World, path: string) {
  const hostPath = resolve(world.cwd, path);
  const text = Buffer.from(readBytes(hostPath, '--runtime-config')).toString('utf8');
  const tables = readConfigTables({ file: path, text });
  if (!tables.ok) throw new BadInput(tables.error);
  return tables.value;
}

function readBytes(hostPath: string, flag: string): Uint8Array {
  try {
    return readFileSync(hostPath);
  } catch (cause) {
    throw new BadInput(`${flag}: ${hostPath} cannot be read`, { cause });
  }
}

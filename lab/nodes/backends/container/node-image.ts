import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';

import { readJson } from '../../../core/json.ts';
import type { Artifact } from '../../../artifacts/artifact.ts';
import type { OwnName } from '../../../artifacts/artifacts.ts';
import { LabError, messageOf } from '../../../core/lab-error.ts';
import type { PrepareOptions } from '../../node.ts';
import { type Engine, engineError, isGone, refusalOf, saysDiskFull } from './engine.ts';
import type { EngineBackend } from './spec.ts';
import { tarOf, type TarPart } from './volume.ts';

export interface NodeImageOptions {
  readonly engine: Engine;
  readonly backend: EngineBackend;
  /** images/node or images/kind-node of this package */
  readonly sourceHostPath: string;
  /** base image of the user, instead of the one in the Dockerfile */
  readonly ownBase: string | undefined;
  readonly nodeTools: Artifact;
  readonly own: PrepareOptions['own'];
  readonly say: (how: string) => void;
  readonly signal: AbortSignal;
}

export interface NodeImage {
  readonly ref: string;
  /** the id of the image in the engine, sha256:… */
  readonly id: string;
  readonly madeFrom: string;
}

/** With a host name, because Podman would otherwise search registries for it. */
const REPOSITORIES: Readonly<Record<EngineBackend, string>> = {
  container: 'localhost/cnilab-node',
  kind: 'localhost/cnilab-kind-node',
};
/** The tree of Debian packages that an image is made from if its base cannot be pulled. */
const ROOTS = { container: 'node-root', kind: 'kind-root' } as const satisfies Record<EngineBackend, OwnName>;
/** Where the units beside a Dockerfile are in the image. */
const UNITS = 'etc/systemd/system';
const MADE_FROM = 'cnilab.made-from';
const REVISION = 1;

/**
 * The image of all nodes, for any versions: a small Debian and the agent of the lab. Its tag depends on its content,
 * and it is built once. It is built from its Dockerfile if the base image is available, otherwise from a tree of Debian
 * packages that the lab provides.
 */
export async function ensureNodeImage(options: NodeImageOptions): Promise<NodeImage> {
  const { engine, backend, ownBase, nodeTools, sourceHostPath, say } = options;
  const dockerfile = readFileSync(join(sourceHostPath, 'Dockerfile'), 'utf8');
  const units = readdirSync(sourceHostPath)
    .filter((file) => file.endsWith('.service'))
    .map((file) => ({ file, content: readFileSync(join(sourceHostPath, file), 'utf8') }));
  const base = ownBase || pinnedBase(dockerfile);
  const wanted = JSON.stringify([REVISION, dockerfile, base, nodeTools.key, ...units]);
  const tag = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  const ref = `${REPOSITORIES[backend]}:${tag}`;
  const here = await findImage(engine, ref);
  if (here !== undefined) return here;

  const agent = { file: 'agent', content: readFileSync(join(nodeTools.hostPath, 'bin/agent')), mode: 0o755 };
  const why = await haveBase(options, base);
  if (why === undefined) {
    say(`building from ${base}`);
    await build(options, {
      ref,
      base,
      parts: [{ file: 'Dockerfile', content: dockerfile }, agent, ...units],
    });
  } else {
    say('packing Debian packages');
    const root = await rootTree(options, `${base} cannot be pulled: ${why}`);
    say(`importing ${root.name} ${root.version}`);
    await importTree(options, {
      tag,
      changes: [
        ...startOf(dockerfile),
        `LABEL ${MADE_FROM}=${JSON.stringify(`${root.name} ${root.version}`)}`,
      ],
      parts: [
        ...['lab', 'lab/bin', 'lab/artifacts', 'lab/root', 'usr/local'].map((folder) => ({ folder })),
        { ...agent, file: 'lab/bin/agent' },
        ...units.map(({ file, content }) => ({ file: `${UNITS}/${file}`, content })),
        { tar: join(root.hostPath, 'root.tar') },
      ],
    });
  }
  const made = await findImage(engine, ref);
  if (made === undefined) throw new LabError(`the container engine has no ${ref} after it was made`);
  await removeNodeImages(engine, backend, ref); // images with other agents and other bases
  return made;
}

/** The base image is only specified here, so that people and the engine read the same reference. */
function pinnedBase(dockerfile: string): string {
  const base = /^ARG BASE=(\S+)$/m.exec(dockerfile)?.[1];
  if (base === undefined) throw new LabError('the Dockerfile of nodes does not say what BASE is');
  return base;
}

/** What a Dockerfile says of the first process of a container. Docker 20.10 accepts no STOPSIGNAL for an import. */
const startOf = (dockerfile: string): readonly string[] =>
  dockerfile.split('\n').filter((line) => line.startsWith('ENTRYPOINT '));

async function findImage({ docker, address }: Engine, ref: string): Promise<NodeImage | undefined> {
  try {
    const { Id, Config } = await docker.getImage(ref).inspect();
    return { ref, id: Id, madeFrom: Config.Labels?.[MADE_FROM] ?? 'unknown' };
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw engineError(`looking for ${ref}`, { address, thrown });
  }
}

/** Why the base image is not available; undefined if it is. An image of the user may exist only in the engine. */
async function haveBase(
  { engine, ownBase, say, signal }: NodeImageOptions,
  base: string,
): Promise<string | undefined> {
  if ((await findImage(engine, base)) !== undefined) return undefined;
  say(`pulling ${base}`);
  try {
    await lastLineOf(await engine.docker.pull(base, { abortSignal: signal }));
    return undefined;
  } catch (thrown) {
    const { status, message } = refusalOf(thrown);
    if (signal.aborted || status === undefined || saysDiskFull(message))
      throw engineError(`pulling ${base}`, { address: engine.address, thrown });
    if (ownBase) throw new LabError(`the base image ${base} is not available: ${message}`);
    return message;
  }
}

async function rootTree({ own, backend }: NodeImageOptions, whyNoBase: string): Promise<Artifact> {
  try {
    return await own(ROOTS[backend]);
  } catch (thrown) {
    throw new LabError(
      [
        `the image of nodes cannot be made`,
        `  ${whyNoBase}`,
        `  and in its place: ${messageOf(thrown)}`,
        `  - let the engine reach a registry, or load an image of a Debian into it and name that with --base`,
      ].join('\n'),
    );
  }
}

async function build(
  { engine, signal }: NodeImageOptions,
  { ref, base, parts }: { ref: string; base: string; parts: readonly TarPart[] },
): Promise<void> {
  const options = {
    t: ref,
    buildargs: { BASE: base },
    labels: { [MADE_FROM]: base },
    forcerm: true,
    abortSignal: signal,
  };
  try {
    await lastLineOf(await engine.docker.buildImage(tarOf(parts), options));
  } catch (thrown) {
    throw engineError(`building the image of nodes from ${base}`, { address: engine.address, thrown });
  }
}

/** The tag is added afterwards, because Podman 4 ignores it on import. */
async function importTree(
  { engine, backend, signal }: NodeImageOptions,
  { tag, changes, parts }: { tag: string; changes: readonly string[]; parts: readonly TarPart[] },
): Promise<void> {
  const options = {
    fromSrc: '-',
    repo: REPOSITORIES[backend],
    tag,
    changes,
    abortSignal: signal,
  };
  try {
    const id = /sha256:[0-9a-f]{64}/.exec(
      await lastLineOf(await engine.docker.importImage(tarOf(parts), options)),
    )?.[0];
    if (id === undefined) throw new LabError('the container engine did not say what it imported');
    await engine.docker.getImage(id).tag({ repo: REPOSITORIES[backend], tag });
  } catch (thrown) {
    throw engineError('importing the image of nodes', { address: engine.address, thrown });
  }
}

/** Reads the progress of a pull or build to the end, one JSON value per line. Throws if one of them is an error. */
async function lastLineOf(news: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of news) text += chunk.toString();
  const error = text
    .split('\n')
    .map(errorIn)
    .find((one) => one !== undefined);
  if (error !== undefined) throw new EngineNews(error);
  return text.trim().split('\n').at(-1) ?? '';
}

/** An answer that started successfully but contains an error. */
class EngineNews extends Error {
  readonly statusCode = 500;
}

const NEWS = v.object({ error: v.optional(v.string(), '') });

function errorIn(line: string): string | undefined {
  return readJson(NEWS, line)?.error.trim() || undefined;
}

/** Removes all node images of a backend except one. Images that are in use stay. Returns what was removed. */
export async function removeNodeImages(
  { docker }: Engine,
  backend: EngineBackend,
  but?: string,
): Promise<readonly string[]> {
  const images = await docker.listImages({ filters: { label: [MADE_FROM] } });
  const older = images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((ref) => ref.startsWith(`${REPOSITORIES[backend]}:`) && ref !== but);
  const removed = older.map((ref) =>
    docker
      .getImage(ref)
      .remove()
      .then(
        () => [ref],
        () => [],
      ),
  );
  return (await Promise.all(removed)).flat();
}

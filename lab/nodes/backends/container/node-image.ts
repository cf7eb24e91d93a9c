import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';

import { readJson } from '../../../core/json.ts';
import type { Artifact } from '../../../artifacts/artifact.ts';
import { LabError, messageOf } from '../../../core/lab-error.ts';
import type { PrepareOptions } from '../../node.ts';
import { type Engine, engineError, isGone, refusalOf, saysDiskFull } from './engine.ts';
import { tarOf, type TarPart } from './volume.ts';

export interface NodeImageOptions {
  readonly engine: Engine;
  /** images/node of this package */
  readonly sourceHostPath: string;
  /** the user's, in place of what the Dockerfile starts from */
  readonly ownBase: string | undefined;
  readonly nodeTools: Artifact;
  readonly own: PrepareOptions['own'];
  readonly say: (how: string) => void;
  readonly signal: AbortSignal;
}

export interface NodeImage {
  readonly ref: string;
  /** the engine's id of it, sha256:… */
  readonly id: string;
  readonly madeFrom: string;
}

/** The host's part is for Podman, which would otherwise look for it at registries. */
const REPOSITORY = 'localhost/cnilab-node';
const MADE_FROM = 'cnilab.made-from';
const REVISION = 1;

/**
 * The image of all nodes, of any versions: a small Debian and the lab's agent. Tagged by what it is made of, and made once:
 * from its Dockerfile where the base is available, else from the lab's own tree of Debian packages.
 */
export async function ensureNodeImage(options: NodeImageOptions): Promise<NodeImage> {
  const { engine, ownBase, nodeTools, sourceHostPath, say } = options;
  const dockerfile = readFileSync(join(sourceHostPath, 'Dockerfile'), 'utf8');
  const base = ownBase || pinnedBase(dockerfile);
  const wanted = JSON.stringify([REVISION, dockerfile, base, nodeTools.key]);
  const tag = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  const ref = `${REPOSITORY}:${tag}`;
  const here = await findImage(engine, ref);
  if (here !== undefined) return here;

  const agent = { file: 'agent', content: readFileSync(join(nodeTools.hostPath, 'bin/agent')), mode: 0o755 };
  const why = await haveBase(options, base);
  if (why === undefined) {
    say(`building from ${base}`);
    await build(options, { ref, base, parts: [{ file: 'Dockerfile', content: dockerfile }, agent] });
  } else {
    say('packing Debian packages');
    const root = await rootTree(options, `${base} cannot be pulled: ${why}`);
    say(`importing ${root.name} ${root.version}`);
    await importTree(options, {
      tag,
      madeFrom: `${root.name} ${root.version}`,
      parts: [
        ...['lab', 'lab/bin', 'lab/artifacts', 'lab/root', 'usr/local'].map((folder) => ({ folder })),
        { ...agent, file: 'lab/bin/agent' },
        { tar: join(root.hostPath, 'root.tar') },
      ],
    });
  }
  const made = await findImage(engine, ref);
  if (made === undefined) throw new LabError(`the container engine has no ${ref} after it was made`);
  await removeNodeImages(engine, ref); // those of other agents and other bases
  return made;
}

/** The one place where it stands, so that a person and the engine read the same. */
function pinnedBase(dockerfile: string): string {
  const base = /^ARG BASE=(\S+)$/m.exec(dockerfile)?.[1];
  if (base === undefined) throw new LabError('images/node/Dockerfile does not say what BASE is');
  return base;
}

async function findImage({ docker, address }: Engine, ref: string): Promise<NodeImage | undefined> {
  try {
    const { Id, Config } = await docker.getImage(ref).inspect();
    return { ref, id: Id, madeFrom: Config.Labels?.[MADE_FROM] ?? 'unknown' };
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw engineError(`looking for ${ref}`, { address, thrown });
  }
}

/** Why the base is not available, if so. One of the user's may be in the engine alone. */
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

async function rootTree({ own }: NodeImageOptions, whyNoBase: string): Promise<Artifact> {
  try {
    return await own('node-root');
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

/** The tag goes on afterwards: Podman 4 does not take it along. */
async function importTree(
  { engine, signal }: NodeImageOptions,
  { tag, madeFrom, parts }: { tag: string; madeFrom: string; parts: readonly TarPart[] },
): Promise<void> {
  const options = {
    fromSrc: '-',
    repo: REPOSITORY,
    tag,
    changes: [`LABEL ${MADE_FROM}=${JSON.stringify(madeFrom)}`],
    abortSignal: signal,
  };
  try {
    const id = /sha256:[0-9a-f]{64}/.exec(
      await lastLineOf(await engine.docker.importImage(tarOf(parts), options)),
    )?.[0];
    if (id === undefined) throw new LabError('the container engine did not say what it imported');
    await engine.docker.getImage(id).tag({ repo: REPOSITORY, tag });
  } catch (thrown) {
    throw engineError('importing the image of nodes', { address: engine.address, thrown });
  }
}

/** Follows an engine's news of pulling or building to their end, one JSON value a line; throws when one is an error. */
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

/** An answer that began well and has an error in it. */
class EngineNews extends Error {
  readonly statusCode = 500;
}

const NEWS = v.object({ error: v.optional(v.string(), '') });

function errorIn(line: string): string | undefined {
  return readJson(NEWS, line)?.error.trim() || undefined;
}

/** All but one; those that are in use stay. Returns what was removed. */
export async function removeNodeImages({ docker }: Engine, but?: string): Promise<readonly string[]> {
  const images = await docker.listImages({ filters: { label: [MADE_FROM] } });
  const older = images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((ref) => ref.startsWith(`${REPOSITORY}:`) && ref !== but);
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

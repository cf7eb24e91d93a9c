import * as v from 'valibot';

import { messageOf } from '../../../core/lab-error.ts';
import type { Arch } from '../../../core/components.ts';
import type { BackendCheck } from '../../node.ts';
import type { EngineAddress } from './address.ts';
import { ANSWER_WITHIN_MS, type Engine, isNotThere, refusalOf, unreachable } from './engine.ts';

export type Refusal = BackendCheck & {
  readonly works: false;
  /** an engine may be there, with nodes, and gave no answer */
  readonly silent?: true;
};

export type EngineProduct = 'Docker' | 'Podman';

/** The properties of an engine that matter for a node. */
export interface EngineFacts {
  readonly product: EngineProduct;
  /** for example 26.1.5 */
  readonly version: string;
  readonly osType: string;
  readonly architecture: string;
  readonly cgroupVersion: string;
  /** root in its containers is an unprivileged user of its host */
  readonly rootless: boolean;
  /** memory of the machine that its containers run on; undefined if the engine does not report it */
  readonly memoryBytes: number | undefined;
}

/** Asks an engine about itself. Throws what dockerode throws, and AbortError if there is no answer. */
export async function readFacts(engine: Pick<Engine, 'get'>): Promise<EngineFacts> {
  const answers = await Promise.all([
    engine.get('/info', ANSWER_WITHIN_MS),
    engine.get('/version', ANSWER_WITHIN_MS),
  ]);
  const [info, version] = [v.parse(INFO, answers[0]), v.parse(VERSION, answers[1])];
  const isPodman = version.Components.some(({ Name: name }) => /podman/i.test(name));
  return {
    product: isPodman ? 'Podman' : 'Docker',
    version: version.Version,
    osType: info.OSType || 'linux',
    architecture: info.Architecture,
    cgroupVersion: info.CgroupVersion || '1',
    // the field of Docker, and the one of Podman
    rootless: info.SecurityOptions.some((option) => /\bname=rootless\b/.test(option)) || info.Rootless,
    memoryBytes: info.MemTotal || undefined,
  };
}

/** Engines differ in what they report. A field that is missing or has another type is treated as empty. */
const word = v.fallback(v.pipe(v.union([v.string(), v.number()]), v.transform(String)), '');
const NOTHING_KNOWN = {
  OSType: '',
  Architecture: '',
  CgroupVersion: '',
  SecurityOptions: [],
  Rootless: false,
  MemTotal: 0,
};
const INFO = v.fallback(
  v.object({
    OSType: v.optional(word, ''),
    Architecture: v.optional(word, ''),
    CgroupVersion: v.optional(word, ''),
    SecurityOptions: v.fallback(v.optional(v.array(v.string()), []), []),
    Rootless: v.fallback(v.optional(v.boolean(), false), false),
    MemTotal: v.fallback(v.optional(v.number(), 0), 0),
  }),
  NOTHING_KNOWN,
);
const VERSION = v.fallback(
  v.object({
    Version: v.optional(word, ''),
    Components: v.fallback(v.optional(v.array(v.object({ Name: word })), []), []),
  }),
  { Version: '', Components: [] },
);

const ARCHS: Readonly<Record<string, Arch>> = {
  x86_64: 'amd64',
  amd64: 'amd64',
  aarch64: 'arm64',
  arm64: 'arm64',
};

/** Whether an engine that answers can run nodes. */
export function judgeFacts({ url }: EngineAddress, facts: EngineFacts): BackendCheck {
  const { osType, architecture, cgroupVersion, rootless } = facts;
  const product = `${facts.product} ${facts.version}`;
  const arch = ARCHS[architecture];
  if (osType !== 'linux')
    return {
      works: false,
      why: `${product} at ${url} runs ${osType} containers, and nodes are Linux`,
      waysOut: ['switch the engine to Linux containers'],
    };
  if (arch === undefined)
    return {
      works: false,
      why: `${product} at ${url} runs on ${architecture}, and nodes run on x86-64 and arm64 only`,
      waysOut: ['name an engine of such a machine with DOCKER_HOST'],
    };
  if (rootless)
    return {
      works: false,
      why: `${product} at ${url} is rootless: its containers may not mount what a node is made of`,
      waysOut: [
        'use an engine that runs as root: DOCKER_HOST=unix:///var/run/docker.sock, or unix:///run/podman/podman.sock',
        'on Linux, use --backend bare with sudo, or --backend vm without',
      ],
    };
  return { works: true, how: `${product} at ${url}, ${arch}, cgroup v${cgroupVersion}`, arch };
}

/** What to do about an engine that does not answer. */
export function refuseUnreachable(address: EngineAddress, thrown: unknown): Refusal {
  const { status, message } = refusalOf(thrown);
  if (status !== undefined)
    return {
      works: false,
      why: `what answers at ${address.url} (${address.origin}) is no container engine: ${message}`,
      waysOut: [`correct ${address.origin}`],
    };
  const why =
    address.url === '' ? `there is no such thing as ${address.origin}` : unreachable(address, thrown);
  const silent = address.url !== '' && !isNotThere(thrown);
  return {
    works: false,
    why,
    waysOut: waysOutOf(address, messageOf(thrown)),
    ...(silent && { silent: true as const }),
  };
}

function waysOutOf({ origin }: EngineAddress, message: string): readonly string[] {
  if (/EACCES|EPERM/.test(message))
    return [
      'join the group that owns the socket and log in again: sudo usermod -aG docker "$USER"',
      'run the same command with sudo',
    ];
  return [...(origin === 'the usual socket' ? [] : [`correct ${origin}, or take it away`]), ...START_ONE];
}

const START_ONE = [
  'start Docker: sudo systemctl start docker, or Docker Desktop',
  'start Podman: sudo systemctl start podman.socket, and export DOCKER_HOST=unix:///run/podman/podman.sock',
];

export const NO_ENGINE: Refusal = {
  works: false,
  why: 'no container engine was found: DOCKER_HOST is not set, there is no docker context, and none of the usual sockets',
  waysOut: START_ONE,
};

import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import type Docker from 'dockerode';

import { findProgram } from '../../lab/host/exec.ts';
import { ROOT } from './cnilab.ts';
import { packPackage } from './packed-package.ts';

const BASE = 'node:base';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

export interface LabImageOptions {
  readonly docker: Docker;
  /** a scratch folder */
  readonly folder: string;
  /** the tree of a node, with the programs that a bare node takes from its host */
  readonly rootTarHostPath: string;
  /** The image has the index of this cache, for a lab that can fetch nothing. */
  readonly cacheHostPath: string;
}

/**
 * The image `cnilab`, built by an engine from images/lab/Dockerfile, as a file of `docker save`. It needs no registry and no
 * network: its base is the tree of a node with this machine's Node.js and npm, and has the packages that it installs
 * in npm's cache.
 */
export async function labImage(options: LabImageOptions): Promise<string> {
  const { docker, folder } = options;
  const { tarballHostPath } = packPackage(folder);
  const base = makeBase(options, tarballHostPath);
  const tar = spawn('tar', ['--create', '--directory', base, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const registry = npm(['config', 'get', 'registry']).trim();
  const changes = [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `ENV npm_config_offline=true npm_config_registry=${registry}`,
  ];
  const [repo, tag] = BASE.split(':');
  await toItsEnd(docker, await docker.importImage(tar.stdout, { fromSrc: '-', repo, tag, changes }));

  const context = join(folder, 'context');
  mkdirSync(context);
  copyFileSync(join(ROOT, 'images/lab/Dockerfile'), join(context, 'Dockerfile'));
  copyFileSync(tarballHostPath, join(context, 'cnilab-0.tgz'));
  const parts = { context, src: ['Dockerfile', 'cnilab-0.tgz'] };
  const how = { t: 'cnilab', buildargs: { BASE }, networkmode: 'none' };
  await toItsEnd(docker, await docker.buildImage(parts, how));

  const archive = join(folder, 'cnilab.tar');
  await pipeline(await docker.getImage('cnilab').get(), createWriteStream(archive));
  return archive;
}

function makeBase(
  { folder, rootTarHostPath, cacheHostPath }: LabImageOptions,
  tarballHostPath: string,
): string {
  const base = join(folder, 'base');
  mkdirSync(base);
  execFileSync('tar', ['--extract', '--file', rootTarHostPath, '--directory', base]);
  copyInto(base, process.execPath, '/usr/local/bin/node');
  for (const library of librariesOf(process.execPath))
    if (!existsSync(join(base, library))) copyInto(base, library, library);
  if (existsSync(CERTIFICATES)) copyInto(base, CERTIFICATES, CERTIFICATES);
  copyInto(base, join(cacheHostPath, 'index'), '/root/.cache/cnilab/index');

  const cli = realpathSync(findProgram('npm', process.env.PATH) ?? '');
  copyInto(base, dirname(dirname(cli)), '/usr/local/lib/node_modules/npm');
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(base, 'usr/local/bin/npm'));
  const elsewhere = ['--global', '--prefix', join(folder, 'prefix')];
  npm(['install', ...elsewhere, '--omit=optional', '--cache', join(base, 'root/.npm'), tarballHostPath]);
  return base;
}

function copyInto(base: string, hostPath: string, path: string): void {
  mkdirSync(join(base, dirname(path)), { recursive: true });
  cpSync(hostPath, join(base, path), { recursive: true, dereference: true });
}

/** Paths of the shared libraries of a program, below /usr/lib, to which /lib is a link. */
const librariesOf = (program: string): readonly string[] =>
  [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/ => (\/\S+)/g)].map(([, path = '']) =>
    path.replace(/^\/lib/, '/usr/lib'),
  );

const npm = (args: readonly string[]): string => execFileSync('npm', args, { encoding: 'utf8' });

/** Waits for the end of an import or a build. Throws what went wrong, with what was printed before. */
async function toItsEnd(docker: Docker, news: NodeJS.ReadableStream): Promise<void> {
  const printed: string[] = [];
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      news,
      (error) => (error === null ? resolve() : reject(new Error(`${error.message}\n${printed.join('')}`))),
      ({ stream = '' }: { stream?: string }) => printed.push(stream),
    );
  });
}

import { existsSync, readdirSync } from 'node:fs';
import { copyFile, readdir, writeFile, open, cp, mkdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { Exec } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import type { Apt, DebianPackage } from '../apt/apt.ts';
import { sha256OfText, stampOf } from '../cache/fingerprint.ts';
import type { Job, Recipe, Refusal } from '../artifact.ts';
import { findProgram } from '../../host/exec.ts';
import { SYSTEM_PATH } from './netfilter.ts';

export interface VmKernelOptions {
  readonly arch: Arch;
  readonly apt: Pick<Apt, 'allFor' | 'missingFor' | 'unpack' | 'versionsIn' | 'hostRelease'>;
  readonly exec: Exec;
  /** a Debian suite, a version of its kernel package, or `local:VMLINUZ,MODULES`; see docs/architecture.md */
  readonly kernel: string;
  readonly suites: readonly string[];
}

export const DEFAULT_KERNEL = 'bookworm';

interface Found {
  readonly vmlinuzHostPath: string;
  /** the directory with the name of the kernel release, which contains kernel/ */
  readonly modulesHostPath: string;
  readonly madeBy: string;
}

/**
 * A kernel for virtual machines: vmlinuz, and modules.tar, which contains RELEASE/ as it is below /lib/modules, with an
 * index. It is the cloud kernel of Debian, unpacked but not installed, or a kernel of the user.
 */
export function vmKernelRecipe(options: VmKernelOptions): Recipe {
  const { arch, kernel } = options;
  const local = localKernel(kernel);
  const stamps = local === undefined ? {} : { stamps: stampsOf(local) };
  return {
    source: 'own',
    name: 'vm-kernel',
    version: kernel,
    request: JSON.stringify({ own: 'vm-kernel', arch, kernel, ...stamps, revision: 1 }),
    async make(treeHostPath, job) {
      const found = local === undefined ? await fromDebian(options, job) : await fromUser(local);
      if (!found.ok) return found;
      const { vmlinuzHostPath, modulesHostPath, madeBy } = found.value;
      job.progress('indexing its modules');
      const release = modulesHostPath.split('/').at(-1) ?? '';
      const baseHostPath = join(job.scratchHostPath, 'indexed');
      const indexed = await indexModules({ ...options, modulesHostPath, release, baseHostPath, job });
      if (!indexed.ok) return indexed;
      await copyFile(vmlinuzHostPath, join(treeHostPath, 'vmlinuz'));
      const tar = ['tar', '--create', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--format=gnu'];
      const packed = await options.exec(
        [...tar, '--exclude=build', '--exclude=source', '--file', join(treeHostPath, 'modules.tar'), release],
        { cwd: join(baseHostPath, 'lib/modules'), signal: job.signal },
      );
      if (packed.exitCode !== 0)
        return err({ source: 'own', reason: 'broken', why: `modules.tar: ${packed.stderr.trim()}` });
      await writeFile(join(treeHostPath, 'release'), `${release}\n`);
      return ok({ madeBy });
    },
  };
}

async function fromDebian(
  { arch, apt, kernel, suites }: VmKernelOptions,
  { signal, scratchHostPath, progress }: Job,
): Promise<Result<Found, Refusal>> {
  progress('asking apt');
  const meta = `linux-image-cloud-${arch}`;
  const chosen = suites.includes(kernel)
    ? ok({ suite: kernel, wanted: meta })
    : await suiteWith({ apt, suites, meta, version: kernel, signal });
  if (!chosen.ok) return chosen;
  const { suite, wanted } = chosen.value;
  const needed = await apt.allFor([wanted], suite, signal);
  if (!needed.ok) return err({ ...needed.error, source: 'own' });
  const packages = needed.value.filter(({ name }) => /^linux-(image|modules|binary)-\d.*cloud/.test(name));
  progress(`downloading ${packages.map(describe).join(' ')} of ${suite}`);
  const unpackedHostPath = join(scratchHostPath, 'unpacked');
  const unpacked = await apt.unpack(packages, { treeHostPath: unpackedHostPath, scratchHostPath, signal });
  if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });

  const boot = await namesIn(join(unpackedHostPath, 'boot'));
  const vmlinuz = boot.find((name) => name.startsWith('vmlinuz-'));
  for (const folder of ['usr/lib/modules', 'lib/modules']) {
    const [release] = await namesIn(join(unpackedHostPath, folder));
    if (release === undefined || vmlinuz === undefined) continue;
    return ok({
      vmlinuzHostPath: join(unpackedHostPath, 'boot', vmlinuz),
      modulesHostPath: join(unpackedHostPath, folder, release),
      madeBy: `apt-get download ${packages.map(describe).join(' ')} (${suite})`,
    });
  }
  const why = `${packages.map(describe).join(' ')} of ${suite} has no vmlinuz with modules`;
  return err({ source: 'own', reason: 'broken', why });
}

const describe = ({ name, version }: DebianPackage): string => `${name}=${version}`;

interface Search {
  readonly apt: VmKernelOptions['apt'];
  readonly suites: readonly string[];
  readonly meta: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** The suite whose kernel has this version: 6.1.176-1, or just 6.1.176. */
async function suiteWith({
  apt,
  suites,
  meta,
  version,
  signal,
}: Search): Promise<Result<{ suite: string; wanted: string }, Refusal>> {
  const seen: string[] = [];
  for (const suite of suites) {
    const listed = await apt.versionsIn(suite, meta, signal);
    if (!listed.ok) return err({ ...listed.error, source: 'own' });
    const found = listed.value.find(
      (one) => one.version === version || one.version.startsWith(`${version}-`),
    );
    if (found !== undefined) return ok({ suite, wanted: `${meta}=${found.version}` });
    seen.push(...listed.value.map((one) => `${one.version} in ${suite}`));
  }
  return err({
    source: 'own',
    reason: 'not-there',
    why: `no suite has a kernel ${version}; there is ${seen.join(', ')}`,
    wayOut: `name one of these, a suite (${suites.join(', ')}), or local:VMLINUZ,MODULES`,
  });
}

interface LocalKernel {
  readonly vmlinuzHostPath: string;
  readonly modulesHostPath: string;
}

function localKernel(kernel: string): LocalKernel | undefined {
  if (!kernel.startsWith('local:')) return undefined;
  const [vmlinuzHostPath = '', modulesHostPath = ''] = kernel.slice('local:'.length).split(',');
  return { vmlinuzHostPath, modulesHostPath };
}

/** Values that change when the kernel or any of its modules changes. */
const stampsOf = ({ vmlinuzHostPath, modulesHostPath }: LocalKernel): readonly (string | undefined)[] => [
  stampOf(vmlinuzHostPath),
  sha256OfText(JSON.stringify(filesBelow(modulesHostPath).map((path) => [path, stampOf(path)]))),
];

async function fromUser({ vmlinuzHostPath, modulesHostPath }: LocalKernel): Promise<Result<Found, Refusal>> {
  const isThere = stampOf(vmlinuzHostPath) !== undefined;
  const release = isThere ? await kernelRelease(vmlinuzHostPath) : undefined;
  const folder = basename(modulesHostPath);
  const problems = [
    ...(isThere ? [] : [`${vmlinuzHostPath} is no file`]),
    ...((await namesIn(join(modulesHostPath, 'kernel'))).length === 0
      ? [`${modulesHostPath || 'the folder of modules'} has no kernel/ with modules`]
      : []),
    ...(modulesHostPath === '' || release === undefined || release === folder
      ? []
      : [`${vmlinuzHostPath} is ${release}, and its folder of modules would be named so, not ${folder}`]),
  ];
  if (problems.length > 0) {
    const wayOut = 'name both: --kernel local:/boot/vmlinuz-6.1.0-9,/lib/modules/6.1.0-9';
    return err({ source: 'own', reason: 'not-there', why: problems.join('; '), wayOut });
  }
  return ok({
    vmlinuzHostPath,
    modulesHostPath: modulesHostPath.replace(/\/+$/, ''),
    madeBy: `copied from ${vmlinuzHostPath} and ${modulesHostPath}`,
  });
}

/** Links are not followed: some of them lead to the kernel headers. */
function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return []; // reported when the kernel is made
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/**
 * The position of the header in a bzImage: https://docs.kernel.org/arch/x86/boot.html, "header" and "kernel_version".
 */
const MAGIC = { offset: 0x202, text: 'HdrS' };
const VERSION_POINTER = { offset: 0x20e, from: 0x200 };
const HEAD_BYTES = 64 * 1024;

/**
 * The release that `uname -r` prints with this kernel. Undefined if the file does not contain it, as on other
 * architectures.
 */
export async function kernelRelease(vmlinuzHostPath: string): Promise<string | undefined> {
  const file = await open(vmlinuzHostPath);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await file.read(head, 0, HEAD_BYTES, 0);
    if (!head.subarray(MAGIC.offset).toString('latin1').startsWith(MAGIC.text)) return undefined;
    const at = VERSION_POINTER.from + head.readUInt16LE(VERSION_POINTER.offset);
    return /^[^ \0]+/.exec(head.subarray(at).toString('latin1'))?.[0];
  } finally {
    await file.close();
  }
}

export interface IndexModulesOptions {
  readonly apt: Pick<Apt, 'missingFor' | 'unpack' | 'hostRelease'>;
  readonly exec: Exec;
  readonly modulesHostPath: string;
  /** the kernel release; the name of the directory */
  readonly release: string;
  /** receives lib/modules/RELEASE */
  readonly baseHostPath: string;
  readonly job: Job;
}

/** Copies the modules, decompresses them, and creates the index that modprobe uses. */
export async function indexModules(options: IndexModulesOptions): Promise<Result<undefined, Refusal>> {
  const { exec, modulesHostPath, release, baseHostPath, job } = options;
  const { signal } = job;
  const to = join(baseHostPath, 'lib/modules', release);
  await mkdir(to, { recursive: true });
  for (const name of await readdir(modulesHostPath)) {
    if (name === 'build' || name === 'source') continue; // links to kernel headers
    await cp(join(modulesHostPath, name), join(to, name), { recursive: true, verbatimSymlinks: true });
  }
  const refuse = (why: string, wayOut?: string): Result<undefined, Refusal> =>
    err({ source: 'own', reason: 'not-here', why, ...(wayOut === undefined ? {} : { wayOut }) });

  for (const [suffix, tool] of [
    ['.ko.xz', 'xz'],
    ['.ko.zst', 'zstd'],
    ['.ko.gz', 'gzip'],
  ] as const) {
    const names = await readdir(to, { recursive: true });
    const packed = names.filter((name) => name.endsWith(suffix));
    if (packed.length === 0) continue;
    if (findProgram(tool, SYSTEM_PATH) === undefined)
      return refuse(
        `the modules of ${release} are packed with ${tool}, which this host does not have`,
        `install ${tool}`,
      );
    const rm = tool === 'zstd' ? ['--rm', '-q'] : [];
    const unpacked = await exec([tool, '-d', ...rm, ...packed], { cwd: to, signal });
    if (unpacked.exitCode !== 0) return refuse(`${tool} -d: ${unpacked.stderr.trim()}`);
  }

  const depmod = await findDepmod(options);
  if (!depmod.ok) return depmod;
  const indexed = await exec([depmod.value.program, '-b', baseHostPath, release], {
    signal,
    env: depmod.value.env,
  });
  return indexed.exitCode === 0 ? ok(undefined) : refuse(`depmod: ${indexed.stderr.trim()}`);
}

/** depmod of the host, or else from the kmod package of its distribution, unpacked separately. */
async function findDepmod({
  apt,
  job,
}: IndexModulesOptions): Promise<Result<{ program: string; env: Record<string, string> }, Refusal>> {
  const there = findProgram('depmod', SYSTEM_PATH);
  if (there !== undefined) return ok({ program: there, env: {} });
  const { codename } = await apt.hostRelease();
  const missing = await apt.missingFor('kmod', codename, job.signal);
  if (!missing.ok) return err({ ...missing.error, source: 'own', wayOut: 'install kmod on this host' });
  const treeHostPath = join(job.scratchHostPath, 'kmod');
  const scratchHostPath = join(job.scratchHostPath, 'kmod-packages');
  const unpacked = await apt.unpack(missing.value, { ...job, treeHostPath, scratchHostPath });
  if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });
  const entries = await readdir(treeHostPath, { recursive: true, withFileTypes: true });
  const kmod = entries.find(
    (entry) => entry.name === 'kmod' && entry.isFile() && entry.parentPath.endsWith('/bin'),
  );
  const libraries = new Set(
    entries.filter(({ name }) => /\.so(\.|$)/.test(name)).map(({ parentPath }) => parentPath),
  );
  if (kmod === undefined)
    return err({ source: 'own', reason: 'broken', why: `kmod of ${codename} has no program kmod` });
  // kmod is one program that acts by the name it is called by; the link in the package is absolute
  const program = join(job.scratchHostPath, 'depmod');
  await symlink(join(kmod.parentPath, kmod.name), program);
  return ok({
    program,
    env: { LD_LIBRARY_PATH: [...libraries].join(':') },
  });
}

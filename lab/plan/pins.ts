import { ARCHS, type Arch, byComponent, COMPONENTS, type ComponentName } from '../core/components.ts';
import { err, ok, type Result } from '../core/lab-error.ts';

/**
 * Every version that the lab knows: images/pins.yaml. A version that is not in it may still be available from gomod.
 */
export interface Pins {
  readonly components: { readonly [C in ComponentName]: ComponentPins };
  /** the conformance tests of CRI, which are not part of a node: how they are built, and their only version */
  readonly critest: GomodPins & { readonly version: string };
  /** the default version of each component; release and gomod both have it */
  readonly defaults: Readonly<Record<ComponentName, string>>;
  /** Debian suite → its upstream version of each component */
  readonly suites: Readonly<Record<string, Readonly<Partial<Record<ComponentName, string>>>>>;
  /** Debian suites, in the order in which they are asked */
  readonly debianSuites: readonly string[];
  /** those of them that have an archive of security fixes */
  readonly debianSecuritySuites: readonly string[];
}

export interface ComponentPins {
  readonly default: string;
  /**
   * another component → its version, or the start of it (`2`, `1.4`) → the version that replaces the default in
   * combination with it
   */
  readonly beside: Readonly<Partial<Record<ComponentName, Readonly<Record<string, string>>>>>;
  readonly release: ReleasePins;
  readonly gomod: readonly MajorPins[];
  readonly debian: DebianPins | undefined;
}

/** Hash algorithms, with the number of hex digits of each. */
export const RELEASE_HASHES = { sha256: 64, sha512: 128 } as const;
export type ReleaseHash = keyof typeof RELEASE_HASHES;

export interface ReleasePins {
  /** with {version} and {arch} */
  readonly url: string;
  /**
   * where upstream publishes the checksum; with {url} and {base}, the URL without its last part; used by the updater
   */
  readonly checksums: string;
  /** the algorithm of the published checksums, and the key of the checksums in pins.yaml */
  readonly hash: ReleaseHash;
  /** in hex; by version, then by architecture */
  readonly sums: Readonly<Record<string, Readonly<Partial<Record<Arch, string>>>>>;
}

/** How some major versions of a component are built from its Go module. */
export interface MajorPins extends GomodPins {
  readonly majors: { readonly from: number; readonly to: number };
}

/** How programs are built from a Go module. */
export interface GomodPins {
  readonly module: string;
  /** main packages, relative to the module */
  readonly packages: readonly string[];
  readonly tags: readonly string[];
  readonly cgo: boolean;
  /** a C library from a Debian package, statically linked if it is available; `tags` are for a build with it */
  readonly library?: { readonly package: string; readonly name: string; readonly tags: readonly string[] };
  /** C programs: for each program the directory of its sources in the module; statically linked */
  readonly c?: Readonly<Record<string, string>>;
  /** programs that come from a Debian package with the same name: the path of each in it */
  readonly debian?: Readonly<Record<string, string>>;
  /**
   * Modules that are directories in the source of the component and that are also published: the version that belongs
   * to the version of the component, with {major}, {minor} and {patch}. Without it, the versions are those that its
   * go.mod requires.
   */
  readonly folders?: string;
  /** Versions before this one lack the definitions of their API, which are generated: Kubernetes. */
  readonly openapi?: string;
  /** how long a build takes, if that is long: 3 to 6 minutes with two cores */
  readonly takes?: string;
  /** programs that are not named after the directory of their package, by the name that Go gives them */
  readonly named?: Readonly<Record<string, string>>;
  /** replacements for modules that are not available, by path and version: a folder in images/gomod */
  readonly standIns?: Readonly<Record<string, string>>;
  /**
   * Go variables that the linker sets; values can contain {version}, its {major}, {minor} and {patch}, and {sum}, the
   * h1: checksum of the module
   */
  readonly set: Readonly<Record<string, string>>;
  /** versions whose dependencies are pinned by a file in images/gomod */
  readonly pinned: readonly string[];
}

export interface DebianPins {
  readonly package: string;
  /** where its programs are: usr/bin */
  readonly folder: string;
  /** suite → upstream version, when this was last updated */
  readonly versions: Readonly<Record<string, string>>;
}

/** The content of images/pins.yaml, with every scalar as text. The error contains the place. */
export function parsePins(written: unknown): Result<Pins, string> {
  try {
    const root = mapOf(written, 'pins.yaml');
    const components = mapOf(root.components, 'components');
    const parsed = byComponent((name) => parseComponent(components[name], name));
    const debianSuites = listOf(mapOf(root.debian, 'debian').suites, 'debian.suites');
    return ok({
      components: parsed,
      critest: parseCritest(root.critest),
      defaults: byComponent((name) => parsed[name].default),
      suites: Object.fromEntries(debianSuites.map((suite) => [suite, versionsOfSuite(parsed, suite)])),
      debianSuites,
      debianSecuritySuites: listOf(mapOf(root.debian, 'debian').security, 'debian.security'),
    });
  } catch (problem) {
    if (problem instanceof PinProblem) return err(`pins.yaml: ${problem.message}`);
    throw problem;
  }
}

/** Versions of a component in the pins, from any source, in no particular order. */
export function pinnedVersions({ release, gomod, debian }: ComponentPins): readonly string[] {
  return [
    ...new Set([
      ...Object.keys(release.sums),
      ...gomod.flatMap(({ pinned }) => pinned),
      ...Object.values(debian?.versions ?? {}),
    ]),
  ];
}

function versionsOfSuite(
  components: Readonly<Record<string, ComponentPins>>,
  suite: string,
): Partial<Record<ComponentName, string>> {
  return Object.fromEntries(
    Object.entries(components).flatMap(([name, { debian }]) => {
      const version = debian?.versions[suite];
      return version === undefined ? [] : [[name, version]];
    }),
  );
}

class PinProblem extends Error {}

function parseComponent(value: unknown, where: string): ComponentPins {
  const component = mapOf(value, where);
  const release = mapOf(component.release, `${where}.release`);
  const hash = release.sha512 === undefined ? 'sha256' : 'sha512';
  const gomod = Object.entries(component.gomod === undefined ? {} : mapOf(component.gomod, `${where}.gomod`));
  return {
    default: textOf(component.default, `${where}.default`),
    beside: component.beside === undefined ? {} : parseBeside(component.beside, `${where}.beside`),
    release: {
      url: textOf(release.url, `${where}.release.url`),
      checksums: textOf(release.checksums, `${where}.release.checksums`),
      hash,
      sums: Object.fromEntries(
        Object.entries(mapOf(release[hash], `${where}.release.${hash}`)).map(([version, sums]) => [
          version,
          parseSums(sums, { hash, where: `${where}.release.${hash}.${version}` }),
        ]),
      ),
    },
    gomod: gomod.map(([majors, facts]) => parseMajors(majors, facts, `${where}.gomod.${majors}`)),
    debian: component.debian === undefined ? undefined : parseDebian(component.debian, `${where}.debian`),
  };
}

function parseBeside(value: unknown, where: string): ComponentPins['beside'] {
  return Object.fromEntries(
    Object.entries(mapOf(value, where)).map(([name, versions]) => {
      if (!COMPONENTS.some((known) => known === name))
        throw new PinProblem(`${where}: "${name}" is none of ${COMPONENTS.join(', ')}`);
      return [name, textMapOf(versions, `${where}.${name}`)];
    }),
  );
}

function parseSums(
  value: unknown,
  { hash, where }: { hash: ReleaseHash; where: string },
): Partial<Record<Arch, string>> {
  return Object.fromEntries(
    Object.entries(mapOf(value, where)).map(([arch, sum]) => {
      if (!ARCHS.some((known) => known === arch))
        throw new PinProblem(`${where}: "${arch}" is none of ${ARCHS.join(', ')}`);
      if (typeof sum !== 'string' || !/^[0-9a-f]+$/.test(sum) || sum.length !== RELEASE_HASHES[hash])
        throw new PinProblem(`${where}.${arch}: not a ${hash}`);
      return [arch, sum];
    }),
  );
}

function parseMajors(majors: string, value: unknown, where: string): MajorPins {
  const range = /^(\d+)(?:-(\d+))?$/.exec(majors);
  if (range === null) throw new PinProblem(`${where}: wanted a major version or a range like 0-1`);
  return {
    majors: { from: Number(range[1]), to: Number(range[2] ?? range[1]) },
    ...parseGomod(value, where),
  };
}

function parseGomod(value: unknown, where: string): GomodPins {
  const facts = mapOf(value, where);
  const cgo = textOf(facts.cgo, `${where}.cgo`);
  if (cgo !== 'true' && cgo !== 'false')
    throw new PinProblem(`${where}.cgo: wanted true or false, got ${cgo}`);
  return {
    module: textOf(facts.module, `${where}.module`),
    packages: listOf(facts.packages, `${where}.packages`),
    tags: listOf(facts.tags, `${where}.tags`),
    cgo: cgo === 'true',
    ...(facts.library === undefined ? {} : { library: parseLibrary(facts.library, `${where}.library`) }),
    ...(facts.c === undefined ? {} : { c: textMapOf(facts.c, `${where}.c`) }),
    ...(facts.debian === undefined ? {} : { debian: textMapOf(facts.debian, `${where}.debian`) }),
    ...(facts.folders === undefined ? {} : { folders: textOf(facts.folders, `${where}.folders`) }),
    ...(facts.openapi === undefined ? {} : { openapi: textOf(facts.openapi, `${where}.openapi`) }),
    ...(facts.takes === undefined ? {} : { takes: textOf(facts.takes, `${where}.takes`) }),
    ...(facts.named === undefined ? {} : { named: textMapOf(facts.named, `${where}.named`) }),
    ...(facts.standIns === undefined ? {} : { standIns: textMapOf(facts.standIns, `${where}.standIns`) }),
    set: textMapOf(facts.set, `${where}.set`),
    pinned: listOf(facts.pinned, `${where}.pinned`),
  };
}

function parseLibrary(value: unknown, where: string): NonNullable<GomodPins['library']> {
  const facts = mapOf(value, where);
  return {
    package: textOf(facts.package, `${where}.package`),
    name: textOf(facts.name, `${where}.name`),
    tags: listOf(facts.tags, `${where}.tags`),
  };
}

function parseCritest(value: unknown): Pins['critest'] {
  const facts = parseGomod(value, 'critest');
  const [version, other] = facts.pinned;
  if (version === undefined || other !== undefined)
    throw new PinProblem('critest.pinned: wanted one version');
  return { ...facts, version };
}

function parseDebian(value: unknown, where: string): DebianPins {
  const facts = mapOf(value, where);
  return {
    package: textOf(facts.package, `${where}.package`),
    folder: textOf(facts.folder, `${where}.folder`),
    versions: textMapOf(facts.versions, `${where}.versions`),
  };
}

function mapOf(value: unknown, where: string): { readonly [key: string]: unknown } {
  if (!isMap(value)) throw new PinProblem(`${where}: wanted a map`);
  return value;
}

function textMapOf(value: unknown, where: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(mapOf(value, where)).map(([key, text]) => [key, textOf(text, `${where}.${key}`)]),
  );
}

function listOf(value: unknown, where: string): readonly string[] {
  if (!isList(value)) throw new PinProblem(`${where}: wanted a list`);
  return value.map((item, index) => textOf(item, `${where}[${index}]`));
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new PinProblem(`${where}: wanted a text`);
  return value;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isMap = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !isList(value);

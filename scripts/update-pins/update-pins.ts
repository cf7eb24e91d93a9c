import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { LabError } from '../../lab/core/lab-error.ts';
import type { Http } from '../../lab/host/http.ts';
import { COMPONENTS, type ComponentName, ARCHS } from '../../lab/core/components.ts';
import { parsePins, type ReleasePins } from '../../lab/plan/pins.ts';
import { checksumIn, possibleSuccessors, withRelease, type NewRelease } from './pins-edit.ts';
import { releaseUrl } from '../../lab/artifacts/sources/release.ts';

export interface UpdateOptions {
  readonly yamlText: string;
  /** releases to add; if empty, all new releases */
  readonly wanted: readonly { readonly component: ComponentName; readonly version: string }[];
  readonly http: Pick<Http, 'download'>;
  readonly mirror: string | undefined;
  readonly signal: AbortSignal;
}

export interface Updated {
  readonly yamlText: string;
  readonly added: readonly NewRelease[];
}

const MAX_CHECKSUM_BYTES = 1024 * 1024;

/**
 * Adds the official checksums of releases to the text of pins.yaml. Existing entries stay unchanged: a checksum that
 * changed upstream must be checked by a person. Throws LabError if a requested release has no checksum.
 */
export async function updatePins(options: UpdateOptions): Promise<Updated> {
  const pins = parsePins(parse(options.yamlText, { schema: 'failsafe' }));
  if (!pins.ok) throw new LabError(pins.error);
  const added: NewRelease[] = [];
  for (const component of COMPONENTS) {
    const { release } = pins.value.components[component];
    const known = new Set(Object.keys(release.sums));
    const named = options.wanted.filter((one) => one.component === component).map(({ version }) => version);
    const asked = new Set<string>(known);
    const queue = options.wanted.length > 0 ? [...named] : [...possibleSuccessors([...known])];
    for (let version = queue.shift(); version !== undefined; version = queue.shift()) {
      if (asked.has(version)) continue;
      asked.add(version);
      const sums = await fetchSums(release, version, options);
      if (Object.keys(sums).length === 0) {
        if (named.includes(version))
          throw new LabError(`upstream publishes no ${release.hash} of ${component} ${version}`);
        continue;
      }
      known.add(version);
      added.push({ component, version, sums });
      if (options.wanted.length === 0) queue.push(...possibleSuccessors([...known]));
    }
  }
  return { yamlText: added.reduce(withRelease, options.yamlText), added };
}

/**
 * Checksums by architecture; empty if the release does not exist. If there is no answer, it throws, because "unknown"
 * does not mean "does not exist".
 */
async function fetchSums(
  release: ReleasePins,
  version: string,
  options: UpdateOptions,
): Promise<NewRelease['sums']> {
  const sums: Partial<Record<(typeof ARCHS)[number], string>> = {};
  for (const arch of ARCHS) {
    const url = releaseUrl({ url: release.url, version, arch, mirror: options.mirror });
    const base = url.slice(0, url.lastIndexOf('/'));
    const text = await fetchText(release.checksums.replace('{url}', url).replace('{base}', base), options);
    if (text === undefined) continue;
    const sum = checksumIn(text, url.slice(base.length + 1));
    if (sum !== undefined) sums[arch] = sum;
  }
  return sums;
}

async function fetchText(url: string, { http, signal }: UpdateOptions): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'cnilab-pins-'));
  try {
    const toHostPath = join(folder, 'checksums');
    const got = await http.download(url, { toHostPath, maxBytes: MAX_CHECKSUM_BYTES, signal });
    if (got.ok) return await readFile(toHostPath, 'utf8');
    if (got.error.kind === 'not-there') return undefined;
    throw new LabError(got.error.why);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

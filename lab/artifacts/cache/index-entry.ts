import type { Artifact, ArtifactFile } from '../artifact.ts';
import { SOURCES } from '../../core/components.ts';

/** One file of the cache's index: which artifact answers a request. Paths are relative, so a cache can be moved. */
export interface IndexEntry {
  readonly formatVersion: 1;
  readonly request: string;
  readonly artifact: Omit<Artifact, 'hostPath'>;
  /** one per file, see stampOf */
  readonly stamps: readonly string[];
}

/** Undefined for anything that this version did not write, whole. */
export function parseIndexEntry(json: unknown): IndexEntry | undefined {
  if (!isRecord(json) || json.formatVersion !== 1 || !isRecord(json.artifact)) return undefined;
  const { request, stamps } = json;
  const { name, version, source, key, madeBy, note, files } = json.artifact;
  const knownSource = [...SOURCES, 'own' as const].find((known) => known === source);
  if (typeof request !== 'string' || typeof name !== 'string' || typeof version !== 'string')
    return undefined;
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key) || typeof madeBy !== 'string') return undefined;
  if (knownSource === undefined || !Array.isArray(files) || !files.every(isArtifactFile)) return undefined;
  if (!Array.isArray(stamps) || stamps.length !== files.length || !stamps.every(isString)) return undefined;
  return {
    formatVersion: 1,
    request,
    artifact: {
      name,
      version,
      source: knownSource,
      key,
      madeBy,
      files,
      ...(typeof note === 'string' ? { note } : {}),
    },
    stamps,
  };
}

const isRecord = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null;
const isString = (json: unknown): json is string => typeof json === 'string';

function isArtifactFile(json: unknown): json is ArtifactFile {
  return (
    isRecord(json) &&
    typeof json.path === 'string' &&
    !json.path.split('/').includes('..') &&
    typeof json.sha256 === 'string' &&
    typeof json.sizeBytes === 'number' &&
    typeof json.executable === 'boolean'
  );
}

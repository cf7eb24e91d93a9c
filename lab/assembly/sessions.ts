import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

import { LabError, messageOf, type Result } from '../core/lab-error.ts';
import { parseListedRun, parseSessionRecord, type ListedRun } from '../plan/session-record.ts';
import type { FoundParts, FoundSession } from '../plan/whole.ts';
import { createShared, foldersIn } from './recorded.ts';

/**
 * The sessions that are recorded in these folders or below them, and the lists of their runs. Damage is part of the
 * result.
 */
export function findSessions(hostPaths: readonly string[]): Pick<FoundParts, 'sessions' | 'lists'> {
  const lists = new Map<string, readonly ListedRun[]>();
  const folders = new Set(hostPaths.flatMap(sessionFolders));
  const sessions = [...folders].sort().map((hostPath): FoundSession => {
    try {
      const record = parsed(
        parseSessionRecord(read(join(hostPath, 'session.json'))),
        join(hostPath, 'session.json'),
      );
      // all shards of a plan have the same list, so it is read once
      if (!lists.has(record.runsSha256)) lists.set(record.runsSha256, readList(hostPath, record.runsSha256));
      return { hostPath, record };
    } catch (thrown) {
      if (!(thrown instanceof LabError)) throw thrown;
      return { hostPath, damage: messageOf(thrown) };
    }
  });
  return { sessions, lists };
}

const OF_A_SESSION = ['session.json', 'runs.jsonl'];

/**
 * The folder itself if it is a session, or else sessions below it. Links are not followed, and the runs of a session
 * are not searched.
 */
function sessionFolders(hostPath: string): readonly string[] {
  if (OF_A_SESSION.some((file) => existsSync(join(hostPath, file)))) return [hostPath];
  if (existsSync(join(hostPath, 'plan.json'))) return [];
  return foldersIn(hostPath).flatMap(sessionFolders);
}

/** Maximum part of a list that is in memory at a time. */
const CHUNK_BYTES = 1024 * 1024;

/** Reads in pieces, because the list of a large plan is larger than everything that is kept of it. */
function readList(hostPath: string, sha256: string): readonly ListedRun[] {
  const file = join(hostPath, 'runs.jsonl');
  const hash = createHash('sha256');
  for (const bytes of chunksOf(file)) hash.update(bytes);
  if (hash.digest('hex') !== sha256)
    throw new LabError(`${file} is not the list that session.json beside it was written with`);
  const decoder = new StringDecoder('utf8');
  const shared = createShared();
  const runs: ListedRun[] = [];
  let rest = '';
  for (const bytes of chunksOf(file)) {
    const lines = (rest + decoder.write(bytes)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines)
      runs.push(shared(parsed(parseListedRun(line), `${file}: line ${runs.length + 1}`)));
  }
  return runs;
}

function* chunksOf(file: string): Generator<Uint8Array> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const opened = orCannotRead(file, () => openSync(file, 'r'));
  try {
    for (;;) {
      const length = orCannotRead(file, () => readSync(opened, chunk));
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(opened);
  }
}

const read = (file: string): string => orCannotRead(file, () => readFileSync(file, 'utf8'));

function orCannotRead<T>(file: string, from: () => T): T {
  try {
    return from();
  } catch (cause) {
    throw new LabError(`${file} cannot be read`, { cause });
  }
}

function parsed<T>(result: Result<T, string>, what: string): T {
  if (!result.ok) throw new LabError(`${what}: ${result.error}`);
  return result.value;
}

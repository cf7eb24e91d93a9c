import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { LabError, messageOf, type Result } from '../core/lab-error.ts';
import { parseListedRun, parseSessionRecord, type ListedRun } from '../plan/session-record.ts';
import type { FoundParts, FoundSession } from '../plan/whole.ts';
import { createShared } from './recorded.ts';

/** The sessions that are recorded in these folders or below them, and the runs that they list. Damage is in what it returns. */
export function findSessions(hostPaths: readonly string[]): Pick<FoundParts, 'sessions' | 'lists'> {
  const lists = new Map<string, readonly ListedRun[]>();
  const folders = new Set(hostPaths.flatMap(sessionFolders));
  const sessions = [...folders].sort().map((hostPath): FoundSession => {
    try {
      const record = parsed(
        parseSessionRecord(read(join(hostPath, 'session.json'))),
        join(hostPath, 'session.json'),
      );
      // the same for all shards of a plan, so it is read once; in the others it is looked at only whether it is there
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

/** A folder of a session, or those below; links in it are not followed, and the runs of a session are not looked into. */
function sessionFolders(hostPath: string): readonly string[] {
  if (OF_A_SESSION.some((file) => existsSync(join(hostPath, file)))) return [hostPath];
  if (existsSync(join(hostPath, 'plan.json'))) return [];
  return readdirSync(hostPath, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => sessionFolders(join(hostPath, name)));
}

function readList(hostPath: string, sha256: string): readonly ListedRun[] {
  const file = join(hostPath, 'runs.jsonl');
  const text = read(file);
  if (createHash('sha256').update(text).digest('hex') !== sha256)
    throw new LabError(`${file} is not the list that session.json beside it was written with`);
  const shared = createShared();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, at) => shared(parsed(parseListedRun(line), `${file}: line ${at + 1}`)));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new LabError(`${file} cannot be read`, { cause });
  }
}

function parsed<T>(result: Result<T, string>, what: string): T {
  if (!result.ok) throw new LabError(`${what}: ${result.error}`);
  return result.value;
}

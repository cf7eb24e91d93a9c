// Runs a bundle with the code that V8 made of it in an earlier process: compiling takes longer than all else that the lab
// does before its first node. Node 22 has module.enableCompileCache() for this, Node 20 has nothing.
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script, constants } from 'node:vm';

/**
 * `keep` says that this process compiles what is worth keeping for the next one. The cache belongs to one bundle, by size
 * and time, as V8 itself compares no more than the length of a source; another V8 rejects it, and then it is made again.
 */
export function runCached(bundlePath, { keep }) {
  const { size, mtimeMs } = statSync(bundlePath);
  const cachePath = `${bundlePath}.${process.version}-${process.arch}-${size}-${Math.round(mtimeMs)}.cache`;
  const cachedData = read(cachePath);
  const text = readFileSync(bundlePath, 'utf8');
  const script = new Script(`(function (require, __filename, __dirname) {${text}\n})`, {
    filename: bundlePath,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (keep && (cachedData === undefined || script.cachedDataRejected)) {
    process.once('exit', () => write(cachePath, script.createCachedData()));
  }
  script.runInThisContext()(createRequire(bundlePath), bundlePath, dirname(bundlePath));
}

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Whole or not at all. A folder that cannot be written to does without. */
function write(path, data) {
  try {
    writeFileSync(`${path}.${process.pid}`, data);
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    return;
  }
}

// Runs a bundle with the code that V8 compiled in an earlier process. Compiling takes longer than everything else that
// the lab does before its first node. Node 22 has module.enableCompileCache() for this; Node 20 has nothing.
const { createHash } = require('node:crypto');
const {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { createRequire } = require('node:module');
const { homedir } = require('node:os');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

/** In the cache of the lab, so that `cnilab clean --cache` removes it. */
const folder = `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/cnilab/code`;

/**
 * `keep`: this process compiles code that is worth storing for the next one. The cached code belongs to one bundle, by
 * path, size and time, because V8 itself only compares the length of a source. Another version of V8 rejects it; then
 * it is made again. Several checkouts have one each.
 */
exports.runCached = function runCached(bundlePath, { keep }) {
  const { size, mtimeMs } = statSync(bundlePath);
  const ofBundle = `${hash(bundlePath)}-`;
  const cachePath = `${folder}/${ofBundle}${hash([size, mtimeMs, process.version, process.arch].join(' '))}`;
  const cachedData = read(cachePath);
  const text = readFileSync(bundlePath, 'latin1');
  const script = new Script(`(function (require, __filename, __dirname) {${text}\n})`, {
    filename: bundlePath,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (keep && (cachedData === undefined || script.cachedDataRejected)) {
    process.once('exit', () => write(cachePath, { ofBundle, data: script.createCachedData() }));
  }
  script.runInThisContext()(createRequire(bundlePath), bundlePath, dirname(bundlePath));
};

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

const hash = (text) => createHash('sha256').update(text).digest('hex').slice(0, 32);

/**
 * Checkouts come and go. Code that was not written for this long belongs to a removed checkout, or costs one
 * compilation.
 */
const FORGOTTEN_MS = 30 * 24 * 3600 * 1000;

/**
 * Writes a complete file or none, and removes older ones of this bundle. A directory that is not writable is not an
 * error.
 */
function write(path, { ofBundle, data }) {
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      const isOld = Date.now() - statSync(`${folder}/${name}`).mtimeMs > FORGOTTEN_MS;
      if (name.startsWith(ofBundle) || isOld) rmSync(`${folder}/${name}`, { force: true });
    }
    writeFileSync(`${path}.${process.pid}`, data);
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    return;
  }
}

// Runs a bundle with the code that V8 made of it in an earlier process: compiling takes longer than all else that the lab
// does before its first node. Node 22 has module.enableCompileCache() for this, Node 20 has nothing.
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

/** In the lab's own cache, so that `cnilab clean --cache` removes it. */
const folder = `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/cnilab/code`;

/**
 * `keep` says that this process compiles what is worth keeping for the next one. The cache belongs to one bundle, by path,
 * size and time, as V8 itself compares no more than the length of a source; another V8 rejects it, and it is made again.
 * Several checkouts have one each.
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

/** Checkouts come and go: what nobody has written for so long is of one that is gone, or costs one compilation. */
const FORGOTTEN_MS = 30 * 24 * 3600 * 1000;

/** Whole or not at all, in the place of older ones of this bundle. A folder that cannot be written to is no failure. */
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

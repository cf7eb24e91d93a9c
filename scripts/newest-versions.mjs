// node scripts/newest-versions.mjs COMPONENT [MINORS]
// Prints the newest release of each of the newest minor versions (3) that any source has, separated by commas, for
// `--containerd`. Used by the nightly run in .github/workflows/nightly.yml.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import semver from 'semver';

const [component, minors = '3'] = process.argv.slice(2);
const cnilab = fileURLToPath(new URL('../bin/cnilab.cjs', import.meta.url));
const [found] = JSON.parse(
  execFileSync(process.execPath, [cnilab, 'versions', component, '--json'], { encoding: 'utf8' }),
);
const releases = found.sources
  .filter(({ source }) => source !== 'debian') // builds of Debian have other version names
  .flatMap(({ versions = [] }) => versions)
  .filter((version) => semver.valid(version) !== null && semver.prerelease(version) === null);
const newest = new Map();
for (const version of semver.sort(releases))
  newest.set(`${semver.major(version)}.${semver.minor(version)}`, version);
if (newest.size === 0) {
  console.error(`no source has a release of ${component}`);
  process.exit(1);
}
console.log([...newest.values()].slice(-Number(minors)).join(','));

// Before `npm pack` and `npm publish`: what the package carries so that a user of releases needs no Go, the library with its
// types, and the licenses of all that is compiled in. (npm runs `prepare` after this, which bundles the command anew.)
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { $ } from 'zx';
import { bundle } from './bundle.mjs';
import { bundleLibrary } from './library.mjs';
import { thirdPartyLicenses } from './third-party.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const nodeTools = `${root}images/node-tools`;
$.cwd = nodeTools;

await rm(`${nodeTools}/dist`, { recursive: true, force: true });
for (const arch of ['amd64', 'arm64']) {
  await mkdir(`${nodeTools}/dist/${arch}`, { recursive: true });
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: arch, GOFLAGS: '', GOWORK: 'off' };
  // as lab/artifacts/own/node-tools.ts builds them in a checkout
  await $({
    env,
  })`go build -mod=readonly -trimpath -buildvcs=false -ldflags ${'-s -w -buildid='} -o dist/${arch}/ ./cmd/...`;
}

const bundled = [await bundle(), await bundleLibrary()];
const inputs = bundled.flatMap((one) => one.inputs);
await writeFile(`${root}dist/THIRD-PARTY-LICENSES`, await thirdPartyLicenses({ root, inputs, nodeTools }));

// Runs before `npm pack` and `npm publish`. Builds the programs of nodes, so that users of a release need no Go, the
// library with its types, and the licenses of everything that is compiled in. (npm runs `prepare` after this, which
// bundles the command again.)
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { $ } from 'zx';
import { bundle } from './bundle.mjs';
import { bundleLibrary } from './library.mjs';
import { thirdPartyLicenses } from './third-party.mjs';
import { withScript } from './typescript.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const nodeTools = `${root}images/node-tools`;
$.cwd = nodeTools;

const flags = await withScript('../lab/artifacts/go/tool.ts', ({ buildFlags }) => buildFlags());
await rm(`${nodeTools}/dist`, { recursive: true, force: true });
for (const arch of ['amd64', 'arm64']) {
  await mkdir(`${nodeTools}/dist/${arch}`, { recursive: true });
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: arch, GOFLAGS: '', GOWORK: 'off' };
  // the same build as lab/artifacts/own/node-tools.ts does in a checkout
  await $({ env })`go build -mod=readonly ${flags} -o dist/${arch}/ ./cmd/...`;
}

const bundled = [await bundle(), await bundleLibrary()];
const inputs = bundled.flatMap((one) => one.inputs);
await writeFile(`${root}dist/THIRD-PARTY-LICENSES`, await thirdPartyLicenses({ root, inputs, nodeTools }));

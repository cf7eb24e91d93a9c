import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'zx';

/**
 * The licenses of everything that is compiled into the package: the npm packages among the `inputs` of the bundle, the
 * Go modules of `nodeTools`, and the standard library of Go. Throws if one of them has no license file.
 */
export async function thirdPartyLicenses({ root, inputs, nodeTools }) {
  const folders = new Map(inputs.flatMap((input) => npmPackage(root, input)));
  const format = '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}';
  const modules = await $({ cwd: nodeTools })`go list -mod=readonly -deps -f ${format} ./cmd/...`;
  for (const line of modules.stdout.split('\n')) {
    const [name, folder] = line.split('\t');
    if (folder !== undefined) folders.set(name, folder);
  }
  folders.set('Go', (await $`go env GOROOT`).stdout.trim());
  return [...folders]
    .map(([name, folder]) => `${name}\n\n${licenseIn(folder)}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** Name with version, and directory, of the package that a file in the bundle came from. */
function npmPackage(root, input) {
  const path = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
  if (path === undefined) return [];
  const folder = realpathSync(join(root, path));
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [[`${name} ${version}`, folder]];
}

function licenseIn(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  if (names.length === 0) throw new Error(`${folder} has no license to carry along`);
  return names.map((name) => readFileSync(join(folder, name), 'utf8').trim()).join('\n\n');
}

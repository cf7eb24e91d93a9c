import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Refusal } from '../artifact.ts';
import { type GoRun, type GoTool, refusalFromGo } from './tool.ts';

/**
 * Before 1.24, the Makefile of Kubernetes generated the definitions of its API, and its source does not hold them.
 * https://github.com/kubernetes/kubernetes/blob/v1.23.17/build/root/Makefile.generated_files
 */
export const OPENAPI_GENERATOR = 'k8s.io/kube-openapi/cmd/openapi-gen';
const TAG = /^\/\/ *\+k8s:openapi-gen=/m;
const NOT_OF_KUBERNETES = ['k8s.io/code-generator', 'k8s.io/sample-apiserver'];
const PACKAGE = 'pkg/generated/openapi';
const FILE = 'zz_generated.openapi';
const BOILERPLATE = 'hack/boilerplate/boilerplate.generatego.txt';
/** What the generator complains of, in the source of Kubernetes: it has to be the same. */
const KNOWN_VIOLATIONS = 'api/api-rules/violation_exceptions.list';

export interface OpenapiOptions {
  readonly go: GoTool;
  readonly run: GoRun & { readonly scratchHostPath: string };
  /** the module in which it is built. Its go.mod replaces Kubernetes with `source` next to it. */
  readonly wrapperHostPath: string;
  readonly module: string;
  /** the source of Kubernetes, which is not changed */
  readonly sourceHostPath: string;
  /** the modules that are folders of its source */
  readonly folders: readonly string[];
  /** flags and main packages of the build */
  readonly build: readonly string[];
}

/** Copies the source of Kubernetes next to the go.mod, and adds the definitions of its API. */
export async function addOpenapi(options: OpenapiOptions): Promise<Result<undefined, Refusal>> {
  const { go, run, wrapperHostPath, module, sourceHostPath } = options;
  const inWrapper = { ...run, cwd: wrapperHostPath };
  const source = join(wrapperHostPath, 'source');
  await cp(sourceHostPath, source, { recursive: true });

  const form = '{{with .Module}}{{.Path}} {{.Dir}}{{end}}';
  const listed = await go.run(['list', '-deps', '-f', form, ...options.build], inWrapper);
  if (listed.exitCode !== 0) return err(refusalFromGo(`go list of ${module}`, listed.stderr));
  const packages = await taggedPackages(new Set(listed.stdout.split('\n')), options);

  // all that the generator reads, with itself, as a GOPATH: with modules, it would run `go list` for each package
  const imports = [...packages, OPENAPI_GENERATOR].map((path) => `import _ "${path}"\n`).join('');
  await writeFile(join(wrapperHostPath, 'tools.go'), `//go:build tools\n\npackage tools\n\n${imports}`);
  const gopath = join(run.scratchHostPath, 'gopath');
  for (const argv of [
    // adds what they need to go.mod and go.sum; the generator is a program, which -e lets be imported
    ['list', '-e', '-deps', '-tags', 'tools', '.'],
    ['mod', 'vendor', '-o', join(gopath, 'src')],
  ]) {
    const { exitCode, stderr } = await go.run(argv, inWrapper);
    if (exitCode !== 0)
      return err(refusalFromGo(`go ${argv.slice(0, 2).join(' ')} of ${OPENAPI_GENERATOR}`, stderr));
  }

  const report = join(run.scratchHostPath, 'violations');
  const argv = [
    ...['run', OPENAPI_GENERATOR, '-i', packages.join(','), '-p', `${module}/${PACKAGE}`],
    ...['-o', gopath, '-O', FILE, '-h', join(source, BOILERPLATE), '-r', report],
  ];
  const generated = await go.run(argv, { ...run, cwd: gopath, gopath });
  if (generated.exitCode !== 0) return err(refusalFromGo(`go run of ${OPENAPI_GENERATOR}`, generated.stderr));
  if ((await readFile(report, 'utf8')) !== (await readFile(join(source, KNOWN_VIOLATIONS), 'utf8'))) {
    const why = `${OPENAPI_GENERATOR} found other violations in ${module} than ${KNOWN_VIOLATIONS} has`;
    return err({ source: 'gomod', reason: 'broken', why });
  }
  await rename(join(gopath, module, PACKAGE, `${FILE}.go`), join(source, PACKAGE, `${FILE}.go`));
  return ok(undefined);
}

/** The packages of Kubernetes and of the folders of its source that ask for definitions. */
async function taggedPackages(
  modules: ReadonlySet<string>,
  { module, folders, sourceHostPath }: OpenapiOptions,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const roots = [...modules]
    .map((line) => line.split(' '))
    .filter(([path = '']) => folders.includes(path) && !NOT_OF_KUBERNETES.includes(path));
  for (const [path = '', hostPath = ''] of [...roots, [module, sourceHostPath]]) {
    for (const file of await readdir(hostPath, { recursive: true })) {
      if (!file.endsWith('.go') || /(?:^|\/)(?:testdata|vendor)\//.test(file)) continue;
      const text = await readFile(join(hostPath, file), 'utf8');
      if (TAG.test(text)) found.add(join(path, dirname(file)));
    }
  }
  return [...found].sort();
}

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { addOpenapi } from '../../lab/artifacts/go/openapi.ts';
import type { GoRun, GoTool } from '../../lab/artifacts/go/tool.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cnilab-openapi-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

const TAGGED = '// +k8s:openapi-gen=true\npackage v1\n';

/** A `go` whose generator reports `violations`. */
function fakeGo(calls: string[], violations: string): GoTool {
  const answer = {
    argv: [],
    exitCode: 0,
    signal: null,
    stdout: '',
    stderr: '',
    durationMs: 1,
    timedOut: false,
  };
  return {
    found: true,
    offline: false,
    async run(argv, { gopath }: GoRun) {
      calls.push(`${gopath === undefined ? '' : 'GOPATH '}${argv.join(' ').replaceAll(folder, '')}`);
      if (argv.includes('-f'))
        return {
          ...answer,
          stdout: `\nk8s.io/api ${folder}/api\nk8s.io/code-generator ${folder}/code\ngithub.com/x/y ${folder}/y\n`,
        };
      if (argv[0] === 'run') {
        write('scratch/violations', violations);
        write('scratch/gopath/k8s.io/kubernetes/pkg/generated/openapi/zz_generated.openapi.go', 'made');
      }
      return answer;
    },
  };
}

function add(calls: string[], violations = 'names_match\n') {
  for (const path of ['api/core/v1/doc.go', 'code/v1/doc.go', 'y/doc.go', 'source/pkg/apis/abac/v0/types.go'])
    write(path, TAGGED);
  write('api/plain/doc.go', 'package plain // +k8s:openapi-gen=true\n');
  write('source/api/api-rules/violation_exceptions.list', 'names_match\n');
  write('source/pkg/generated/openapi/doc.go', 'package openapi\n');
  write('wrapper/go.mod', 'module cnilab/wrapper\n');
  return addOpenapi({
    go: fakeGo(calls, violations),
    run: { signal: new AbortController().signal, scratchHostPath: join(folder, 'scratch') },
    wrapperHostPath: join(folder, 'wrapper'),
    module: 'k8s.io/kubernetes',
    sourceHostPath: join(folder, 'source'),
    folders: ['k8s.io/api', 'k8s.io/code-generator'],
    build: ['-tags', 'dockerless', 'k8s.io/kubernetes/cmd/kubelet'],
  });
}

test('the generator of Kubernetes makes them from every package that asks for them, in a copy of the source', async () => {
  const calls: string[] = [];
  expect(await add(calls)).toEqual({ ok: true, value: undefined });
  expect(calls).toEqual([
    'list -deps -f {{with .Module}}{{.Path}} {{.Dir}}{{end}} -tags dockerless k8s.io/kubernetes/cmd/kubelet',
    'list -e -deps -tags tools .',
    'mod vendor -o /scratch/gopath/src',
    'GOPATH run k8s.io/kube-openapi/cmd/openapi-gen -i k8s.io/api/core/v1,k8s.io/kubernetes/pkg/apis/abac/v0 ' +
      '-p k8s.io/kubernetes/pkg/generated/openapi -o /scratch/gopath -O zz_generated.openapi ' +
      '-h /wrapper/source/hack/boilerplate/boilerplate.generatego.txt -r /scratch/violations',
  ]);
  const made = 'pkg/generated/openapi/zz_generated.openapi.go';
  expect(readFileSync(join(folder, 'wrapper/source', made), 'utf8')).toBe('made');
  expect(existsSync(join(folder, 'source', made))).toBe(false);
});

test('definitions that break other rules of the API than upstream knows are refused', async () => {
  expect(await add([], 'names_match\nlist_type_missing\n')).toEqual({
    ok: false,
    error: {
      source: 'gomod',
      reason: 'broken',
      why: 'k8s.io/kube-openapi/cmd/openapi-gen found other violations in k8s.io/kubernetes than api/api-rules/violation_exceptions.list has',
    },
  });
});

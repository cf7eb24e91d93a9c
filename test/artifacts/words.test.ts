import { describe, expect, test } from 'vitest';
import { upstreamVersion } from '../../lab/artifacts/sources/debian.ts';
import { refusalFromGo } from '../../lab/artifacts/go/tool.ts';
import { parseModuleFacts, wrapperGoMod } from '../../lab/artifacts/go/wrapper.ts';
import { nearestVersions } from '../../lab/artifacts/sources/obtain.ts';
import { versionFromOutput } from '../../lab/artifacts/sources/programs.ts';

test.each([
  ['1.6.20~ds1-1+deb12u3', '1.6.20'],
  ['1.4.13~ds1-1~deb11u6', '1.4.13'],
  ['1.7.24~ds1-6+deb13u1', '1.7.24'],
  ['1.1.15+ds1-2+b4', '1.1.15'],
  ['1.0.0~rc93+ds1-5+deb11u5', '1.0.0-rc93'],
  ['1:1.37.0-6+b9', '1.37.0'],
  ['1.9.1-1', '1.9.1'],
])('Debian %s is upstream %s', (debian, upstream) => {
  expect(upstreamVersion(debian)).toBe(upstream);
});

test.each([
  [
    'containerd github.com/containerd/containerd v1.6.3 h1:JfgUEIAH07xDWk6kqz0P3ArZt+KJ9YeihSC9uyFtSKg=',
    '1.6.3',
  ],
  ['containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+b1', '1.6.20~ds1'],
  ['containerd github.com/containerd/containerd/v2 v2.0.0-rc.1 207ad711', '2.0.0-rc.1'],
  ['runc version 1.1.15\ncommit: v1.1.15-0-gbc20cb44\nspec: 1.0.2-dev\ngo: go1.22.3', '1.1.15'],
  ['crictl version v1.25.0', '1.25.0'],
  ['Kubernetes v1.24.17', '1.24.17'],
  [
    'etcd Version: 3.5.6\nGit SHA: Not provided (use ./build instead of go build)\nGo Version: go1.26.8',
    '3.5.6',
  ],
  ['CNI loopback plugin v1.1.1\nCNI protocol versions supported: 0.1.0, 0.2.0', '1.1.1'],
  ['segmentation fault', undefined],
])('the version in %j', (output, version) => {
  expect(versionFromOutput(output)).toBe(version);
});

describe('output of go', () => {
  const asked = 'example.org/m@v1.0.0';
  test('a version that does not exist is reported as such', () => {
    expect(
      refusalFromGo(asked, 'example.org/m@v1.0.0: reading proxy/@v/v1.0.0.info: 404 Not Found'),
    ).toMatchObject({
      reason: 'not-there',
      why: 'example.org/m@v1.0.0: reading proxy/@v/v1.0.0.info: 404 Not Found',
    });
  });
  test('a build that needs a newer Go is reported with a solution', () => {
    const output = 'go: example.org/m@v1.0.0 requires go >= 1.27.1 (running go 1.26.8; GOTOOLCHAIN=local)';
    expect(refusalFromGo(asked, output)).toEqual({
      source: 'gomod',
      reason: 'not-here',
      why: 'example.org/m@v1.0.0 needs Go 1.27.1 or later, this machine has 1.26.8',
      wayOut: 'install Go 1.27.1 or later',
    });
  });
  test('offline, it is not known whether a version exists', () => {
    const output = 'go: example.org/m@v1.0.0: module lookup disabled by GOPROXY=off';
    expect(refusalFromGo(asked, output)).toMatchObject({ reason: 'unreachable' });
  });
  test('without a network, it is not known whether a version exists', () => {
    const output = 'example.org/m@v1.0.0: Get "https://p/m.info": dial tcp: lookup p: no such host';
    expect(refusalFromGo(asked, output)).toMatchObject({ reason: 'unreachable' });
  });
  test('a wrong checksum is broken, whatever else is in the output', () => {
    const output =
      'go: downloading example.org/m v1.0.0\nverifying example.org/m@v1.0.0: checksum mismatch\nSECURITY ERROR';
    expect(refusalFromGo(asked, output)).toEqual({
      source: 'gomod',
      reason: 'broken',
      why: 'example.org/m@v1.0.0: verifying example.org/m@v1.0.0: checksum mismatch; SECURITY ERROR',
    });
  });
});

describe('the wrapper module', () => {
  test("repeats the component's replace directives, except those with a folder", () => {
    const facts = parseModuleFacts(
      JSON.stringify({
        Go: '1.16',
        Replace: [
          { Old: { Path: 'github.com/containerd/containerd' }, New: { Path: './' } },
          {
            Old: { Path: 'github.com/gogo/googleapis' },
            New: { Path: 'github.com/gogo/googleapis', Version: 'v1.3.2' },
          },
          { Old: { Path: 'a.org/b', Version: 'v1.0.0' }, New: { Path: 'c.org/d', Version: 'v2.0.0' } },
        ],
      }),
    );
    expect(wrapperGoMod({ module: 'github.com/containerd/containerd', version: '1.6.3', facts }))
      .toBe(`module cnilab/wrapper

go 1.18

require github.com/containerd/containerd v1.6.3

replace github.com/gogo/googleapis => github.com/gogo/googleapis v1.3.2
replace a.org/b v1.0.0 => c.org/d v2.0.0
`);
  });
  test('has the modules that are folders of the source, if they are also published', () => {
    const facts = parseModuleFacts(
      JSON.stringify({
        Go: '1.16',
        Replace: [
          { Old: { Path: 'k8s.io/api' }, New: { Path: './staging/src/k8s.io/api' } },
          { Old: { Path: 'go.uber.org/zap' }, New: { Path: 'go.uber.org/zap', Version: 'v1.19.0' } },
          { Old: { Path: 'k8s.io/kubelet' }, New: { Path: './staging/src/k8s.io/kubelet' } },
        ],
      }),
    );
    const wrapper = { module: 'k8s.io/kubernetes', version: '1.24.17', facts, folderVersion: 'v0.24.17' };
    expect(wrapperGoMod(wrapper)).toBe(`module cnilab/wrapper

go 1.18

require k8s.io/kubernetes v1.24.17

replace go.uber.org/zap => go.uber.org/zap v1.19.0
replace k8s.io/api => k8s.io/api v0.24.17
replace k8s.io/kubelet => k8s.io/kubelet v0.24.17
`);
  });
  test('requires the Go version that the component requires', () => {
    expect(
      wrapperGoMod({ module: 'm.org/m', version: '1.0.0', facts: parseModuleFacts('{"Go":"1.24.3"}') }),
    ).toContain('\ngo 1.24.3\n');
  });
});

test('the nearest versions come first', () => {
  const existing = ['1.5.13', '1.6.8', '1.6.9', '1.6.36', '1.7.0', '2.0.0', '1.6.9-rc.1'];
  expect(nearestVersions('1.6.10', existing, 4)).toEqual(['1.6.9', '1.6.9-rc.1', '1.6.8', '1.6.36']);
});

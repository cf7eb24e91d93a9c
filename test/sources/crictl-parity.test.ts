import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import type { Artifacts } from '../../lab/artifacts/artifacts.ts';
import { CleanupStack, BadInput, LabError } from '../../lab/core/lab-error.ts';
import { systemClock } from '../../lab/host/machine.ts';
import { bareBackend } from '../../lab/nodes/backends/bare.ts';
import { bringUpNode } from '../../lab/nodes/bring-up.ts';
import type { LabNode } from '../../lab/nodes/node.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { ComponentRef, RuntimeRef } from '../../lab/core/components.ts';
import type { NodePlan } from '../../lab/plan/plan.ts';
import { asRecording, crictlStory, type Told } from '../rig/crictl-story.ts';
import { artifactsIn, makeFolder, signal } from './rig.ts';

/** The release that the lab's own crictl follows; see images/node-tools/cmd/crictl/main.go. */
const LIKE = '1.25.0';

const folder = makeFolder();
const cacheHostPath = join(
  process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? '/root', '.cache'),
  'cnilab',
);
const { artifacts } = artifactsIn(folder, { cacheHostPath });
const backend = bareBackend({
  artifactsHostPath: join(cacheHostPath, 'artifacts'),
  stateHostPath: join(folder, 'nodes'),
});
const cleanup = new CleanupStack();
let official: Artifact | string;

beforeAll(async () => {
  official = await findOfficial(artifacts);
  if (typeof official === 'string') process.stderr.write(`skipped: ${official}\n`);
});
afterEach(() => cleanup.run());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The official crictl, or the reason why there is none. */
async function findOfficial(from: Artifacts): Promise<Artifact | string> {
  const hostPath = process.env.CNILAB_OFFICIAL_CRICTL;
  try {
    const ref: ComponentRef =
      hostPath === undefined
        ? { component: 'crictl', version: LIKE, source: 'release' }
        : await from.describeLocal('crictl', hostPath, signal);
    if (ref.version !== LIKE)
      return `CNILAB_OFFICIAL_CRICTL is ${ref.version}, and ours is made after ${LIKE}`;
    const found = (await from.ensureAll([ref], signal))(ref);
    return found.source === 'own'
      ? `the release of crictl ${LIKE} is not available here, and CNILAB_OFFICIAL_CRICTL does not name one`
      : found;
  } catch (thrown) {
    if (thrown instanceof LabError || thrown instanceof BadInput) return thrown.message;
    throw thrown;
  }
}

const CONFLIST = {
  cniVersion: '0.4.0',
  name: 'story',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }]] },
    },
  ],
};

async function startNode(containerd: RuntimeRef): Promise<LabNode> {
  const runc: ComponentRef = { component: 'runc', version: '1.1.15' };
  const crictl: ComponentRef = { component: 'crictl', version: LIKE };
  const set: ComponentRef = { component: 'cni-plugins', version: '1.1.1' };
  const artifact = await artifacts.ensureAll([containerd, runc, crictl, set], signal);
  const place = { file: 'crictl-parity.test.ts', line: 1, column: 1 };
  const plan: NodePlan = {
    runtime: containerd,
    runc,
    crictl,
    plugins: { set, overrides: [] },
    runtimeConfig: {},
    cniConfig: [{ name: '10-story.conflist', content: JSON.stringify(CONFLIST), place }],
    files: [],
  };
  const maker = await backend.prepare({
    own: (name) => artifacts.ensureOwn(name, signal),
    progress: () => undefined,
    notice: () => undefined,
    mayBeKept: false,
    signal,
  });
  const { node } = await bringUpNode({
    maker,
    name: `test-${process.pid}-crictl`,
    plan,
    runtime: RUNTIMES.containerd,
    parts: {
      runtime: artifact(containerd),
      runc: artifact(runc),
      crictl: artifact(crictl),
      plugins: { set: artifact(set), overrides: [] },
      images: [
        await artifacts.ensureOwn('pause-image', signal),
        await artifacts.ensureOwn('app-image', signal),
      ],
      later: [],
    },
    clock: systemClock,
    cleanup,
    onRuntimeEnd: () => undefined,
    signal: new AbortController().signal,
  });
  return node;
}

const CONTAINERDS: readonly RuntimeRef[] = [{ component: 'containerd', version: '1.4.13', source: 'debian' }];

const recordingOf = ({ version }: ComponentRef): string =>
  `../fixtures/crictl-story/crictl-${LIKE}.containerd-${version}.txt`;

async function storyOf(crictl: Artifact, node: LabNode): Promise<readonly Told[]> {
  return crictlStory(node.exec.bind(node), `${await node.provide(crictl)}/bin/crictl`);
}

test.for(CONTAINERDS)(
  'the lab’s own crictl prints for containerd $version what was recorded from the official one',
  async (ref) => {
    const node = await startNode(ref);
    const ours = await storyOf(await artifacts.ensureOwn('node-tools', signal), node);
    await expect(asRecording(ours)).toMatchFileSnapshot(recordingOf(ref));
  },
);

test.for(CONTAINERDS)(
  'the lab’s own crictl prints for containerd $version what the official one prints, call by call',
  async (ref, { skip }) => {
    if (typeof official === 'string') return skip(official);
    const node = await startNode(ref);
    const theirs = await storyOf(official, node);
    // if nothing worked, the two outputs would easily be equal
    expect(theirs.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(theirs.length / 2);
    await expect(asRecording(theirs)).toMatchFileSnapshot(recordingOf(ref));
    expect(await storyOf(await artifacts.ensureOwn('node-tools', signal), node)).toEqual(theirs);
  },
);

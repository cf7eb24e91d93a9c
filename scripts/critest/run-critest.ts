import { startOneNode } from '../../lab/assembly/one-node.ts';
import type { NodeFlags, World } from '../../lab/assembly/world.ts';
import { CleanupStack, BadInput, LabError, err, ok } from '../../lab/core/lab-error.ts';
import { waitFor } from '../../lab/core/wait-for.ts';
import type { Artifacts } from '../../lab/artifacts/artifacts.ts';
import type { RuntimeName } from '../../lab/core/components.ts';
import { ANY_NODE, scenarioOf, type NodeRequest } from '../../lab/library/node-request.ts';
import type { RunningNode } from '../../lab/nodes/node.ts';
import { prepareAppArmor } from './apparmor.ts';
import { LEFT_OUT, type LeftOut, type Place } from './causes.ts';
import { readReport, type SpecReport } from './report.ts';

export interface CritestOptions {
  /** its version as in a scenario file */
  readonly runtime: { readonly name: RuntimeName; readonly version: string };
  readonly runc?: string;
  readonly cniPlugins?: string;
  readonly flags: NodeFlags;
  /** regular expressions for the names of specs */
  readonly focus: readonly string[];
  readonly skip: readonly string[];
  /** called with each spec when it ends, and with work that takes longer than a moment before that */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface CritestRun extends Place {
  readonly critest: string;
  readonly specs: readonly SpecReport[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * The address of the lab's registry on the loopback interface of the node, and all registries that critest uses, which
 * it replaces.
 */
const SERVER = '127.0.0.1:5000';
const REGISTRIES = ['gcr.io', 'k8s.gcr.io', 'registry.k8s.io'];
const LIMIT_MS = 30 * 60_000;

/** Runs critest on a separate fresh node. Throws BadInput and LabError, also if critest did not reach its end. */
export async function runCritest(world: World, options: CritestOptions): Promise<CritestRun> {
  const { flags, onLine, signal } = options;
  const cleanup = new CleanupStack();
  try {
    const { node, backend, artifacts, runtime, runtimeVersion } = await startOneNode(world, {
      scenario: scenarioFor(options),
      flags,
      name: `critest-${world.randomId()}`,
      containers: false,
      emit: (event) => {
        if (event.kind === 'progress' && !event.done) onLine(`${event.what}: ${event.how}`);
        if (event.kind === 'notice') onLine(event.message);
      },
      cleanup,
      onRuntimeEnd: () => onLine(`${options.runtime.name} has ended`),
      signal,
    });
    await startRegistry(node, { world, artifacts, signal });
    const tools = () => artifacts.ensureOwn('critest-apparmor', signal);
    const leftOut = [...LEFT_OUT, ...(await prepareAppArmor(node, { backend, tools }))];
    const critest = await artifacts.ensureOwn('critest', signal);
    const specs = await runSpecs(node, {
      ...options,
      world,
      leftOut,
      socket: runtime.kind.traits.socket,
      programNodePath: `${await node.provide(critest)}/bin/critest.test`,
    });
    const place = { backend, runtime: { name: options.runtime.name, version: runtimeVersion } };
    return { ...place, critest: critest.version, specs, leftOut };
  } finally {
    const failures = await cleanup.run();
    for (const { what, message } of failures) onLine(`${what}: ${message}`);
  }
}

const scenarioFor = ({ runtime, runc, cniPlugins }: CritestOptions) =>
  scenarioOf({
    ...ANY_NODE,
    runtime,
    systemCalls: 'unfiltered',
    ...(runc === undefined ? {} : { runc }),
    ...(cniPlugins === undefined ? {} : { cniPlugins }),
    ...REGISTRY_CONFIG[runtime.name],
    cniConfig: [{ name: '10-critest.conflist', content: JSON.stringify(CONFLIST) }],
  });

/** How each runtime gets from our server what it pulls from a registry. */
const REGISTRY_CONFIG: Readonly<Record<RuntimeName, Pick<NodeRequest, 'runtimeConfig' | 'files'>>> = {
  containerd: {
    runtimeConfig: { cri: { registry: { config_path: '/etc/containerd/certs.d' } } },
    // each by its name: containerd 1.6 has no default for all of them
    files: REGISTRIES.map((registry) => ({
      name: `/etc/containerd/certs.d/${registry}/hosts.toml`,
      content: `[host."http://${SERVER}"]\n  capabilities = ["pull", "resolve"]\n`,
    })),
  },
  crio: {
    files: [
      {
        name: '/etc/containers/registries.conf.d/critest.conf',
        content: REGISTRIES.map(
          (registry) => `[[registry]]\nprefix = "${registry}"\nlocation = "${SERVER}"\ninsecure = true\n`,
        ).join(''),
      },
    ],
  },
};

const CONFLIST = {
  cniVersion: '1.0.0',
  name: 'critest',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: '10.88.0.0/16' }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', snat: true, capabilities: { portMappings: true } },
  ],
};

interface RegistryOptions {
  readonly world: World;
  readonly artifacts: Artifacts;
  readonly signal: AbortSignal;
}

/** Serves the images on the loopback interface of the node, in place of every registry. */
async function startRegistry(
  node: RunningNode,
  { world, artifacts, signal }: RegistryOptions,
): Promise<void> {
  const folder = await node.provide(await artifacts.ensureOwn('critest-images', signal));
  const logPath = '/var/log/registry.log';
  const argv = [`${folder}/bin/registry`, SERVER, `${folder}/images`];
  let ended = false;
  void (await node.start(argv, { logPath })).ended.then(() => (ended = true));
  await waitFor(
    `the registry on ${node.name}`,
    async () => {
      const log = await node.readFile(logPath);
      if (ended) throw new LabError(`the registry on ${node.name} ended: ${log}`);
      return log.startsWith('serving ') ? ok(undefined) : err('nothing in its log');
    },
    { everyMs: 50, forMs: 30_000, clock: world.clock, signal },
  );
}

interface SpecsOptions extends CritestOptions {
  readonly world: World;
  readonly leftOut: readonly LeftOut[];
  readonly socket: string;
  readonly programNodePath: string;
}

async function runSpecs(
  node: RunningNode,
  { world, leftOut, socket, programNodePath, focus, skip, onLine, signal }: SpecsOptions,
): Promise<readonly SpecReport[]> {
  const [logPath, reportPath] = ['/var/log/critest.log', '/var/log/critest.json'];
  const argv = [
    programNodePath,
    `-runtime-endpoint=unix://${socket}`,
    '-ginkgo.v',
    '-ginkgo.no-color',
    `-ginkgo.json-report=${reportPath}`,
    ...focus.map((pattern) => `-ginkgo.focus=${pattern}`),
    ...[...leftOut.map(({ name }) => name), ...skip].map((pattern) => `-ginkgo.skip=${pattern}`),
    `-test.timeout=${LIMIT_MS}ms`,
  ];
  const process = await node.start(argv, { logPath });
  let exitCode: number | null | undefined;
  void process.ended.then((end) => (exitCode = end.exitCode));
  const until = world.clock.now() + LIMIT_MS;
  let seen = 0;
  for (let last = false; !last;) {
    last = exitCode !== undefined;
    if (!last) await world.clock.sleep(1_000, signal);
    const log = await node.readFile(logPath);
    const lines = linesOf(log);
    for (const line of lines.slice(seen)) onLine(line);
    seen = lines.length;
    if (!last && world.clock.now() > until)
      throw new LabError(`critest has not ended after ${LIMIT_MS / 60_000} minutes`);
  }
  const json = await node.readFile(reportPath).catch(() => undefined);
  const specs = json === undefined ? undefined : readReport(json);
  if (specs?.length === 0 && exitCode === 0)
    throw new BadInput('no spec of critest is chosen by these --focus and --skip');
  if (specs === undefined || specs.length === 0) {
    const log = await node.readFile(logPath);
    throw new LabError(`critest ran no spec (exit code ${String(exitCode)}): ${log.trim().slice(-2_000)}`);
  }
  return specs;
}

/** In the verbose output of Ginkgo, the name of a spec is below a line of dashes, and its end starts with a symbol. */
function linesOf(log: string): readonly string[] {
  const done: string[] = [];
  let name = '';
  const lines = log.split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^-{20,}$/.test(lines[index - 1] ?? '') && /^\S/.test(line)) name = line;
    const end = /^(•|S) (?:\[(\w+)\] )?\[([\d.]+) seconds\]/.exec(line);
    if (end !== null) done.push(`${(end[2] ?? 'passed').toLowerCase()}  ${name}  ${end[3]} s`);
  }
  return done;
}

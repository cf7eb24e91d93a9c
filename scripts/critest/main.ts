import { parseArgs } from 'node:util';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { listenForInterruption } from '../../lab/cli/interruption.ts';
import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { EXIT } from '../../lab/cli/exit-codes.ts';
import { BadInput, messageOf } from '../../lab/core/lab-error.ts';
import { DEFAULT_RUNTIME, RUNTIMES } from '../../lab/core/components.ts';
import { BACKENDS, type BackendName } from '../../lab/nodes/node.ts';
import { causeOf } from './causes.ts';
import { formatReport } from './report.ts';
import { runCritest } from './run-critest.ts';

const HELP = `npm run critest -- [OPTIONS]
  --containerd VERSION,…  one node for each, all at once (default: the lab's default)
  --crio VERSION,…        the same with CRI-O
  --runc VERSION          --cni-plugins VERSION
  --backend NAME          ${BACKENDS.join(', ')}, or auto
  --focus REGEXP          only specs whose name matches; may stand several times
  --skip REGEXP           all others; may stand several times
  --offline               open no socket
  --quiet                 no line for each spec
Exit codes: 0 no spec failed, 1 a spec failed, 2 bad input, 69 the lab or its host could not do its part.
`;

/** The implementation of critest.mjs. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const world = ambientWorld();
  const interruption = listenForInterruption(world, (by) =>
    world.err.write(`interrupted by ${by}: taking the nodes down\n`),
  );
  try {
    const flags = flagsOf(argv);
    if (flags === undefined) {
      world.out.write(HELP);
      return EXIT.pass;
    }
    const { quiet, runtimes: named, ...options } = flags;
    const byDefault = { name: DEFAULT_RUNTIME, version: readPins(world).defaults[DEFAULT_RUNTIME] };
    const runtimes = named.length === 0 ? [byDefault] : named;
    const runs = await Promise.allSettled(
      runtimes.map(async (runtime) => {
        const { specs, leftOut, ...made } = await runCritest(world, {
          ...options,
          runtime,
          onLine: (line) => {
            if (!quiet)
              world.err.write(
                `${runtimes.length > 1 ? `${runtime.name} ${runtime.version}: ` : ''}${line}\n`,
              );
          },
          signal: interruption.signal,
        });
        const filter = made.backend === 'vm' ? '' : " without the lab's seccomp filter";
        const title = `critest ${made.critest} on ${made.runtime.name} ${made.runtime.version}, ${made.backend}${filter}`;
        world.out.write(formatReport({ title, specs, leftOut, causeOf: (spec) => causeOf(spec, made) }));
        return specs;
      }),
    );
    const interrupted = interruption.exitCode();
    if (interrupted !== undefined) return interrupted;
    const lost = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason as unknown] : []));
    for (const reason of lost) world.err.write(`critest: ${messageOf(reason)}\n`);
    if (lost.some((reason) => reason instanceof BadInput)) return EXIT.badInput;
    const failed = runs.some(
      (run) => run.status === 'fulfilled' && run.value.some(({ outcome }) => outcome === 'failed'),
    );
    return failed ? EXIT.fail : lost.length > 0 ? EXIT.inconclusive : EXIT.pass;
  } catch (thrown) {
    if (!(thrown instanceof BadInput)) throw thrown;
    world.err.write(`critest: ${thrown.message}\n`);
    return EXIT.badInput;
  }
}

function flagsOf(argv: readonly string[]) {
  const values = parsed(argv);
  if (values.help === true) return undefined;
  const { runc, 'cni-plugins': cniPlugins, backend = 'auto' } = values;
  if (!isBackend(backend))
    throw new BadInput(`there is no backend ${backend}; there are auto, ${BACKENDS.join(', ')}`);
  for (const pattern of [...(values.focus ?? []), ...(values.skip ?? [])]) checkPattern(pattern);
  return {
    runtimes: RUNTIMES.flatMap((name) =>
      (values[name] ?? [])
        .flatMap((text) => text.split(','))
        .filter((version) => version !== '')
        .map((version) => ({ name, version })),
    ),
    ...(runc === undefined ? {} : { runc }),
    ...(cniPlugins === undefined ? {} : { cniPlugins }),
    flags: { backend, ...(values.offline === true ? { offline: true as const } : {}) },
    focus: values.focus ?? [],
    skip: values.skip ?? [],
    quiet: values.quiet === true,
  };
}

function parsed(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        containerd: texts,
        crio: texts,
        runc: text,
        'cni-plugins': text,
        backend: text,
        focus: texts,
        skip: texts,
        offline: flag,
        quiet: flag,
        help: flag,
      },
    }).values;
  } catch (thrown) {
    throw new BadInput(messageOf(thrown));
  }
}

const isBackend = (name: string): name is BackendName | 'auto' =>
  name === 'auto' || BACKENDS.some((backend) => backend === name);

/** For an invalid pattern, Ginkgo would print a long usage text. */
function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch (thrown) {
    throw new BadInput(`${JSON.stringify(pattern)} is not a regular expression: ${messageOf(thrown)}`);
  }
}

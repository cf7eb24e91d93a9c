import { cannotFollow } from '../core/fake-plugin.ts';
import type { COMMAND_VERBS } from '../spec/verbs/commands.ts';
import { type StepContext, type VerbEffects, LabCannotDoIt, NothingToActOn } from './context.ts';
import { sandboxId } from './pods.ts';
import type { CommandResult } from '../core/ports.ts';
import { LabError } from '../core/lab-error.ts';
import { lackedBy } from '../nodes/kernel-kinds.ts';
import type { LabNode } from '../nodes/node.ts';

export const COMMAND_EFFECTS: VerbEffects<keyof typeof COMMAND_VERBS> = {
  exec: async (context, { argv, stdin }) => {
    const words = argv.map((word) => context.captures.fill(word));
    await context.run(words, stdin === undefined ? {} : { stdin: context.captures.fill(stdin) });
  },
  connect: async (context, { from, to, protocol, fromPort, send, answerWithinMs }) => {
    const argv = [
      '/lab/bin/agent',
      'connect',
      ...inNetwork(context, from),
      ...(protocol === undefined ? [] : ['--protocol', protocol]),
      ...(fromPort === undefined ? [] : ['--from-port', String(fromPort)]),
      ...(answerWithinMs === undefined ? [] : ['--timeout-ms', String(answerWithinMs)]),
      ...(send === undefined ? [] : ['--send', context.captures.fill(send)]),
      context.captures.fill(to),
    ];
    const { exitCode, stderr } = await context.run(argv);
    if (exitCode === COULD_NOT_TRY) throw new NothingToActOn(stderr.toString().trim());
  },
  listen: (context, { in: place, port, protocol = 'tcp', answer, name }) =>
    listen(context, {
      what: `a listener in ${place} on ${protocol} port ${port}`,
      logPath: `/lab/listeners/${context.stepId}.log`,
      argv: [
        ...['/lab/bin/agent', 'listen', ...inNetwork(context, place), '--protocol', protocol],
        ...['--port', String(port), '--answer', context.captures.fill(answer)],
      ],
      name,
    }),
};

interface Listener {
  readonly what: string;
  readonly argv: readonly string[];
  readonly logPath: string;
  readonly name: string | undefined;
}

/**
 * Starts a listener, and waits until it can be reached or has reported why not. It ends with its pod or with the node.
 */
async function listen(
  { node, stepId, timeoutMs, clock, observe, nameListener }: StepContext,
  { what, argv, logPath, name }: Listener,
): Promise<void> {
  const startedMs = clock.now();
  let exitCode: number | null | undefined;
  const process = await node.start(argv, { logPath });
  const over = process.ended.then((end) => void ({ exitCode } = end));
  if (name !== undefined)
    nameListener(name, {
      get isOver() {
        return exitCode !== undefined;
      },
      over,
      kill: () => void process.signal('KILL'),
    });
  const untilMs = startedMs + timeoutMs;
  let printed = '';
  while (printed !== LISTENING && exitCode === undefined && clock.now() < untilMs) {
    await clock.sleep(LISTENS_EVERY_MS);
    printed = (await node.readFile(logPath)).trim();
  }
  if (exitCode !== undefined) printed = (await node.readFile(logPath)).trim();
  if (exitCode === COULD_NOT_TRY) throw new NothingToActOn(printed);
  const met = printed === LISTENING;
  observe({
    kind: 'waited',
    stepId,
    what,
    met,
    timedOut: false,
    lastSeen: printed,
    waitedMs: clock.now() - startedMs,
  });
}

/** What `agent listen` prints when it can be reached. */
const LISTENING = 'listening';
const LISTENS_EVERY_MS = 2;

/** The exit code of `agent connect`, `agent listen` and `agent cni` if they could not try. */
export const COULD_NOT_TRY = 69;

/** Arguments for the agent that select the network namespace in which it works. */
function inNetwork(context: StepContext, place: string): readonly string[] {
  const onNode = place === 'node' || context.pods.some((pod) => pod.name === place && pod.hostNetwork);
  if (place !== 'node') sandboxId(context, place);
  if (onNode) return [];
  return ['--netns', context.captures.fill(`\${${place}.netns}`)];
}

/**
 * Throws if a command failed because the lab or its host lacks something. If the kernel lacks a feature, no later step
 * shows anything, so the run ends. If crictl lacks a verb, only this step cannot be executed.
 */
export async function notItsFault(
  node: Pick<LabNode, 'exec' | 'name'>,
  result: CommandResult,
): Promise<void> {
  const lacking = lackingInOwnCrictl(result);
  if (lacking !== undefined) throw new LabCannotDoIt(lacking);
  const broken = cannotFollow(`${result.stdout}\n${result.stderr}`);
  if (broken !== undefined) throw new LabError(broken);
  const missing = await lackedBy(result, (argv, options) =>
    node.exec(argv, { ...options, timeoutMs: 30_000 }),
  );
  if (missing === undefined) return;
  throw new LabError(
    `the kernel of ${node.name} does not have ${missing}, without which this fails: ${result.argv.join(' ')}; ` +
      'run it with `--backend vm`, which has a kernel of its own, and there perhaps with another `--kernel`',
  );
}

/**
 * The error of the lab's own crictl for a verb or flag that only the official one has;
 * images/node-tools/cmd/crictl/lacking.go.
 */
const lackingInOwnCrictl = ({ exitCode, stderr }: CommandResult): string | undefined =>
  exitCode === 0 ? undefined : /this crictl is cnilab's own and has no .*/.exec(stderr)?.[0];

import type { Duplex } from 'node:stream';

import { LabError } from '../../../core/lab-error.ts';
import type { Terminal } from '../../node.ts';
import { demux } from './containers.ts';
import { type Engine, engineError } from './engine.ts';

const SHELL = 'command -v bash >/dev/null && exec bash; exec sh';

/**
 * Runs a command in a container on this terminal and returns its exit code. The container gets a terminal if both ends
 * here are a terminal.
 */
export async function enterContainer(
  engine: Engine,
  { id, argv, terminal }: { id: string; argv: readonly string[]; terminal: Terminal },
): Promise<number> {
  const { input, output } = terminal;
  const isTerminal = input.isTTY && output.isTTY;
  try {
    const exec = await engine.docker.getContainer(id).exec({
      // if the program does not exist, the shell reports it in the usual way, with the usual exit code
      Cmd: [
        ...['/lab/bin/agent', 'confined', 'sh', '-c'],
        ...(argv.length === 0 ? [SHELL] : ['exec "$@"', 'sh', ...argv]),
      ],
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'HOME=/root',
        'LANG=C.UTF-8',
      ],
      WorkingDir: '/root',
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: isTerminal,
    });
    const stream = await exec.start({ hijack: true, stdin: true, Tty: isTerminal });
    await (isTerminal
      ? asTerminal(stream, { terminal, resize: (size) => exec.resize(size) })
      : asPipes(stream, terminal));
    const { ExitCode } = await exec.inspect();
    if (ExitCode === null) throw new LabError('the container engine does not say how the command ended');
    return ExitCode;
  } catch (thrown) {
    throw engineError('entering the node', { address: engine.address, thrown });
  }
}

async function asPipes(stream: Duplex, { input, output, error }: Terminal): Promise<void> {
  const { stdout, stderr } = demux(stream);
  stdout.pipe(output, { end: false });
  stderr.pipe(error, { end: false });
  input.pipe(stream);
  await Promise.all([ended(stdout), ended(stderr)]);
  letGo(input, stream);
}

async function asTerminal(
  stream: Duplex,
  { terminal, resize }: { terminal: Terminal; resize: (size: { h: number; w: number }) => Promise<unknown> },
): Promise<void> {
  const { input, output } = terminal;
  const fit = () => void resize({ h: output.rows, w: output.columns }).catch(() => undefined); // it may have ended
  fit();
  output.on('resize', fit);
  input.setRawMode(true); // all keys go to the container, including Ctrl-C
  input.pipe(stream);
  stream.pipe(output, { end: false });
  try {
    await ended(stream);
  } finally {
    input.setRawMode(false);
    output.off('resize', fit);
    letGo(input, stream);
  }
}

const ended = (stream: NodeJS.ReadableStream): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.once('end', resolve).once('close', resolve).once('error', reject);
  });

/** An input that is still being read would keep the process alive. */
function letGo(input: NodeJS.ReadStream, stream: Duplex): void {
  input.unpipe(stream);
  input.destroy();
  stream.destroy();
}

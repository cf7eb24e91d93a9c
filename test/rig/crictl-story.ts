import { dirname } from 'node:path';
import type { CommandResult } from '../../lab/core/ports.ts';
import { fillInVarying } from './crictl-fill-in.ts';

/** Where the story runs: a LabNode, or anything else that runs commands beside a containerd with the lab's images. */
export type RunThere = (
  argv: readonly string[],
  options?: { readonly stdin?: string; readonly timeoutMs?: number },
) => Promise<Pick<CommandResult, 'exitCode' | 'stdout' | 'stderr'>>;

/** The output of one call of crictl, without values that differ between runs. */
export interface Told {
  readonly call: string;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const SOCKET = 'unix:///run/containerd/containerd.sock';
const FOLDER = '/run/crictl-story';

const POD = {
  metadata: { name: 'web', namespace: 'default', uid: 'web-uid', attempt: 0 },
  hostname: 'web',
  log_directory: '/var/log/pods/web',
  labels: { app: 'web', sign: '<&>' },
  annotations: { note: 'a "quoted" one' },
  linux: {},
};
const CONTAINER = {
  metadata: { name: 'app', attempt: 1 },
  image: { image: 'cnilab.local/app:1' },
  command: ['sh', '-c', 'echo out; sleep 0.2; echo err >&2; sleep 1000'],
  labels: { 'io.kubernetes.pod.name': 'web' },
  log_path: 'app.log',
  linux: {},
};

const FILES: Readonly<Record<string, string>> = {
  'pod.json': JSON.stringify(POD),
  'other.json': JSON.stringify({
    metadata: { name: 'other', namespace: 'default', uid: 'other-uid' },
    unknown: 1,
  }),
  'container.json': JSON.stringify(CONTAINER),
  'no-image.json': JSON.stringify({ ...CONTAINER, image: { image: 'cnilab.local/none:1' } }),
  'cut.json': '{"metadata": {',
  'broken.json': '{"metadata": }',
  'type.json': '{"metadata": 5}',
  'crictl.yaml': `runtime-endpoint: ${SOCKET}\nimage-endpoint: ${SOCKET}\ntimeout: 20\ndebug: false\n`,
  'bad-option.yaml': 'no-such-option: 1\n',
  'bad-timeout.yaml': 'timeout: soon\n',
};

/**
 * Every verb that the lab uses, as it succeeds and as it fails, called by one crictl. It begins and ends with a
 * containerd without pods, so that several programs can run it one after the other and their outputs can be compared.
 */
export async function crictlStory(run: RunThere, crictl: string): Promise<readonly Told[]> {
  const story: Told[] = [];
  const ids = new Map<string, string>();

  const fillIn = (text: string) => fillInVarying(text.replaceAll(dirname(crictl), '<folder>'), ids);

  /** `$web` is the id that was printed `as` web. */
  async function tell(
    words: string,
    { as, globals = '' }: { as?: string; globals?: string } = {},
  ): Promise<void> {
    const argv = `${globals} ${words}`
      .trim()
      .split(' ')
      .map((word) => (word.startsWith('$') ? (ids.get(word.slice(1)) ?? word) : word));
    const result = await run([crictl, ...argv], { timeoutMs: 60_000 });
    const id = result.stdout.trim();
    if (as !== undefined) ids.set(as, id === '' ? `no-${as}` : id);
    story.push({
      call: words,
      exitCode: result.exitCode,
      stdout: fillIn(result.stdout),
      stderr: fillIn(result.stderr),
    });
  }
  const connected = (words: string, options?: { as?: string }) =>
    tell(words, { ...options, globals: `-r ${SOCKET} -i ${SOCKET} -t 20s` });

  await run(['rm', '-rf', POD.log_directory]);
  for (const [name, content] of Object.entries(FILES)) {
    await run(['sh', '-c', 'mkdir -p "$(dirname "$0")" && cat >"$0"', `${FOLDER}/${name}`], {
      stdin: content,
    });
  }

  for (const words of BEFORE) await connected(words);
  for (const words of ENDPOINTS) await tell(words);
  await connected(`runp ${FOLDER}/pod.json`, { as: 'web' });
  for (const words of WITH_POD) await connected(words);
  await connected(`create $web ${FOLDER}/container.json ${FOLDER}/pod.json`, { as: 'app' });
  for (const words of WITH_CONTAINER) await connected(words);
  await connected(`runp ${FOLDER}/other.json`, { as: 'other' });
  for (const words of WITH_OTHER_POD) await connected(words);
  return story;
}

/**
 * The story as text that can be stored. It has no image ids, which another build of the pause image or of busybox
 * would change.
 */
export function asRecording(story: readonly Told[]): string {
  return story
    .map(({ call, exitCode, stdout, stderr }) => `$ crictl ${call}\n${stdout}${stderr}exit ${exitCode}\n`)
    .map((recorded) => recorded.replace(/sha256:[0-9a-f]{64}/g, 'sha256:<image>'))
    .join('\n');
}

const BEFORE = [
  'info -q',
  'pods',
  'pods -o json',
  'pods -q',
  'ps -a',
  `runp ${FOLDER}/none.json`,
  `runp ${FOLDER}/cut.json`,
  `runp ${FOLDER}/broken.json`,
  `runp ${FOLDER}/type.json`,
  'stopp none',
  'rmp none',
  'rmp -f none',
  'start none',
  'stop none',
  'rm none',
  `create none ${FOLDER}/container.json ${FOLDER}/pod.json`,
  `create none ${FOLDER}/none.json ${FOLDER}/pod.json`,
];

const ENDPOINTS = [
  `-c ${FOLDER}/crictl.yaml pods -q`,
  `-c ${FOLDER}/none.yaml -r ${SOCKET} pods -q`,
  `-c ${FOLDER}/bad-option.yaml pods -q`,
  `-c ${FOLDER}/bad-timeout.yaml pods -q`,
  `-r unix://${FOLDER}/dead.sock pods`,
  `-r unix://${FOLDER}/dead.sock runp ${FOLDER}/pod.json`,
];

const WITH_POD = [
  `runp ${FOLDER}/pod.json`,
  'pods',
  'pods -q',
  'pods -o json',
  'rmp $web',
  `create $web ${FOLDER}/no-image.json ${FOLDER}/pod.json`,
];

const WITH_CONTAINER = [
  'ps',
  'ps -a',
  'start $app',
  'start $app',
  'ps',
  'ps -q',
  'ps -o json',
  'rm $app',
  'stop -t 1 $app',
  'stop $app',
  'ps',
  'ps -a -o json',
  'rm $app',
  'rm $app',
  'stopp $web',
  'stopp $web',
  'pods',
  'rmp $web',
  'rmp $web',
];

const WITH_OTHER_POD = ['pods -o json', 'rmp -f $other', 'pods -q'];

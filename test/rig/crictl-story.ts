import { dirname } from 'node:path';
import type { CommandResult } from '../../lab/core/ports.ts';
import { fillInVarying } from './crictl-fill-in.ts';

/** Where the story plays: a LabNode, or anything else that runs commands beside a containerd with the lab's images. */
export type RunThere = (
  argv: readonly string[],
  options?: { readonly stdin?: string; readonly timeoutMs?: number },
) => Promise<Pick<CommandResult, 'exitCode' | 'stdout' | 'stderr'>>;

/** What one call of crictl printed, without what no two runs have in common. */
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
  'other.yaml':
    '# comments are fine\nmetadata:\n  name: other\n  namespace: default\n  uid: other-uid\nunknown: 1\n',
  'container.json': JSON.stringify(CONTAINER),
  'no-image.json': JSON.stringify({ ...CONTAINER, image: { image: 'cnilab.local/none:1' } }),
  'cut.json': '{"metadata": {',
  'broken.json': '{"metadata": }',
  'type.json': '{"metadata": 5}',
  'broken.yaml': 'metadata: [',
  'empty.yaml': '',
  'crictl.yaml': `runtime-endpoint: ${SOCKET}\nimage-endpoint: ${SOCKET}\ntimeout: 20\ndebug: false\n`,
  'bad-option.yaml': 'no-such-option: 1\n',
  'bad-timeout.yaml': 'timeout: soon\n',
};

/**
 * Every verb that the lab uses, as it succeeds and as it fails, told by one crictl. It begins and ends with a containerd
 * that has no pods, so that several programs can tell it one after the other, and their stories be compared.
 */
export async function crictlStory(run: RunThere, crictl: string): Promise<readonly Told[]> {
  const story: Told[] = [];
  const ids = new Map<string, string>();

  const fillIn = (text: string) => fillInVarying(text.replaceAll(dirname(crictl), '<folder>'), ids);

  /** `$web` stands for the id that was printed `as` web. */
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
  await connected(`runp ${FOLDER}/other.yaml`, { as: 'other' });
  for (const words of WITH_OTHER_POD) await connected(words);
  await connected(`run --no-pull ${FOLDER}/container.json ${FOLDER}/pod.json`, { as: 'app' });
  await connected('pods -q', { as: 'web' });
  for (const words of WITH_BOTH) await connected(words);
  return story;
}

/**
 * A story as text that can be kept: without what another host, another build of our pause or another busybox would change,
 * which is the images' ids and sizes and the runtime's own information about a pod.
 */
export function asRecording(story: readonly Told[]): string {
  const kept = story.filter(({ call }) => call !== 'inspectp $web' && call !== 'inspect $app');
  return kept
    .map(({ call, exitCode, stdout, stderr }) => `$ crictl ${call}\n${stdout}${stderr}exit ${exitCode}\n`)
    .map((told) =>
      told
        .replace(/sha256:[0-9a-f]{64}/g, 'sha256:<image>')
        .replace(/(?<=cnilab\.local.* )(sha256:<image>|[0-9a-f]{13}) +[\d.]+MB$/gm, '<image> <size>')
        .replace(/("?size"?: )"\d+"/g, '$1"<size>"'),
    )
    .join('\n');
}

const BEFORE = [
  'version',
  'info -q',
  'info -q -o yaml',
  'info -o go-template --template {{.status.conditions}}',
  'images',
  'images --digests --no-trunc',
  'images -q',
  'images -o json',
  'images -o yaml',
  'images cnilab.local/none',
  'pods',
  'pods -o json',
  'pods -q',
  'ps -a',
  `runp ${FOLDER}/none.json`,
  `runp ${FOLDER}/cut.json`,
  `runp ${FOLDER}/broken.json`,
  `runp ${FOLDER}/type.json`,
  `runp ${FOLDER}/broken.yaml`,
  `runp ${FOLDER}/empty.yaml`,
  `runp --runtime none ${FOLDER}/pod.json`,
  'stopp none',
  'inspectp none',
  'rmp none',
  'rmp -f none',
  'inspect none',
  'start none',
  'stop none',
  'rm none',
  'exec -s none true',
  'logs none',
  'logs',
  `create none ${FOLDER}/container.json ${FOLDER}/pod.json`,
  `create none ${FOLDER}/none.json ${FOLDER}/pod.json`,
  'pods --state bogus',
  'pods --label bogus',
  'pods -o bogus',
  'ps --state bogus',
];

const ENDPOINTS = [
  `-c ${FOLDER}/crictl.yaml pods -q`,
  `-c ${FOLDER}/none.yaml -r ${SOCKET} pods -q`,
  `-c ${FOLDER}/bad-option.yaml pods -q`,
  `-c ${FOLDER}/bad-timeout.yaml pods -q`,
  `-r unix://${FOLDER}/dead.sock pods`,
  `-r unix://${FOLDER}/dead.sock runp ${FOLDER}/pod.json`,
  `-r ${SOCKET} -i unix://${FOLDER}/dead.sock images`,
  `-r /run/containerd/containerd.sock pods -q`,
  '-r tcp://127.0.0.1:1 pods',
  '-r http://127.0.0.1 pods',
  '-r= pods',
];

const WITH_POD = [
  `runp ${FOLDER}/pod.json`,
  'pods',
  'pods --no-trunc',
  'pods -q',
  'pods -o json',
  'pods -o yaml',
  'pods -o json --name ^w --namespace default --state ready --label app=web --latest',
  'pods -q --name ^x',
  'pods -q -s NotReady',
  'pods -q --id $web -n 1',
  'inspectp $web',
  'inspectp -q $web',
  'inspectp -q -o yaml $web',
  'inspectp -q -o table $web',
  'inspectp -q -o bogus $web',
  'inspectp -o go-template --template {{.status.metadata.name}} $web',
  'inspectp -o go-template --template {{.none}} $web',
  'inspectp -o go-template --template {{ $web',
  'rmp $web',
  `create $web ${FOLDER}/no-image.json ${FOLDER}/pod.json`,
];

const WITH_CONTAINER = [
  'ps',
  'ps -a',
  'inspect -q $app',
  'exec -s $app true',
  'start $app',
  'start $app',
  'exec -s $app sleep 1',
  'exec --sync $app echo out',
  'exec -s $app ls /none',
  'exec -s $app none',
  'exec -s --timeout 1 $app sleep 30',
  'ps',
  'ps --no-trunc',
  'ps -q',
  'ps -o json',
  'ps -o yaml',
  'ps -o bogus',
  'ps -q --state exited',
  'ps -q --pod $web --name ^a',
  'ps -q --label bogus',
  'inspect $app',
  'inspect -q $app',
  'inspect -q -o yaml $app',
  'inspect -q -o table $app',
  'logs $app',
  'logs --tail 1 $app',
  'rm $app',
  'stop -t 1 $app',
  'stop $app',
  'ps',
  'ps -a -o json',
  'inspect -q -o table $app',
  'rm $app',
  'rm $app',
  'stopp $web',
  'stopp $web',
  'pods',
  'inspectp -q $web',
  'rmp $web',
  'rmp $web',
];

const WITH_OTHER_POD = ['pods -o json', 'rmp -f $other', 'pods -q'];

const WITH_BOTH = ['ps', 'rm -af', 'rmp -af', 'pods -q'];

/** The part of `--help` of a command below its options. */
interface CommandHelp {
  /** words to type, and what they do; a test parses the words */
  readonly examples: readonly (readonly [words: string, what: string])[];
  readonly exitCodes: readonly (keyof typeof EXIT_CODES)[];
  readonly environment: readonly (keyof typeof ENVIRONMENT)[];
}

const EXIT_CODES = {
  0: 'done; of runs: all passed',
  1: 'at least one expectation failed',
  2: 'bad input; nothing was run',
  69: 'inconclusive: the lab or its host could not do its part, or no output',
  70: 'an unexpected error inside cnilab',
  130: 'interrupted, as 143 is; everything was taken down',
} as const;

/** Every environment variable that the lab reads, by topic. */
export const ENVIRONMENT = {
  terminal: {
    NO_COLOR: 'plain text',
    FORCE_COLOR: 'colours without a terminal; 0: none',
    GITHUB_ACTIONS: 'true: no line is a command of GitHub',
  },
  reports: {
    GITHUB_WORKSPACE: '--reporter github: root of the paths',
    GITHUB_STEP_SUMMARY: '--reporter github: the summary',
    GITHUB_OUTPUT: '--reporter github: the outputs',
  },
  places: {
    XDG_CACHE_HOME: 'holds the cache (~/.cache)',
    CNILAB_STATE: 'holds records of nodes (the cache)',
  },
  sources: {
    CNILAB_OFFLINE: '1 is --offline',
    CNILAB_SOURCES: 'as --sources',
    CNILAB_MIRROR: 'as --mirror',
    XDG_CONFIG_HOME: "holds Go's settings (~/.config)",
  },
  nodes: {
    CNILAB_QEMU: 'the program for virtual machines',
    CNILAB_BASE: 'as --base',
    DOCKER_HOST: 'the container engine',
    DOCKER_CONTEXT: "the engine, as a context of docker's",
    DOCKER_CONFIG: 'holds contexts (~/.docker)',
    DOCKER_TLS_VERIFY: 'the engine is spoken to over TLS',
    DOCKER_CERT_PATH: 'the certificates for it',
    XDG_RUNTIME_DIR: "holds the socket of a user's engine",
    TESTCONTAINERS_RYUK_DISABLED: "true: no reaper of testcontainers'",
    TESTCONTAINERS_HOST_OVERRIDE: 'where ports of the engine are reached',
    TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX: "before the name of the reaper's image",
    RYUK_CONTAINER_IMAGE: "the reaper's image",
  },
} as const;

const RUNS = {
  exitCodes: [0, 1, 2, 69, 70, 130],
  environment: ['reports', 'places', 'sources', 'nodes'],
} as const;
const READS = { exitCodes: [0, 2, 69, 70], environment: [] } as const;
const FETCHES = { exitCodes: [0, 2, 69, 70, 130], environment: ['places', 'sources', 'nodes'] } as const;
const NODES = { exitCodes: [0, 2, 69, 70], environment: ['places', 'nodes'] } as const;

/** By command. */
export const HELP: Readonly<Record<string, CommandHelp>> = {
  run: {
    ...RUNS,
    examples: [
      ['run missing-version', 'one scenario, all cells of its matrix'],
      ['run our-issue.yaml --containerd 1.6.3,1.6.4 --verbose', 'a file, on two versions'],
      ['run missing-version --crio 1.24.0,1.34.0', 'on CRI-O in place of containerd'],
      ['run upgrade-a-cluster --kubernetes 1.23.17', 'a cluster of another version'],
      ['run our-issue.yaml --update', 'and write what was measured into the file as expectations'],
      ['run missing-version --set containerd=1.6.3 --keep', 'one cell, and the node stays up'],
      ['run --last-failed', 'what did not pass in the last session'],
      ['run our-issue.yaml --watch', 'again after each save of the file'],
      ['run --all --only-changed main --bail', 'what this branch changes, until one does not pass'],
      ['run missing-version --repeat 20', 'each cell 20 times; those that differ are named'],
      ['run --all --retries 2 --fail-on-flaky', 'twice more what does not pass, and fail all the same'],
      ['run --all', 'every scenario and every control that `cnilab list` shows'],
      ['run --all --shard 1/3', 'a third of them; two other machines run 2/3 and 3/3'],
      ['run scenarios --reporter junit=report.xml --reporter terminal', 'a folder, with a report for CI'],
    ],
  },
  parity: {
    ...RUNS,
    examples: [
      ['parity missing-version', 'the same on every backend that works here'],
      ['parity --sample 1 --only bare --only vm', 'one version of each scenario, on two backends'],
    ],
  },
  list: {
    ...READS,
    examples: [
      ['list', 'all scenarios and controls'],
      ['list ./mine --json', 'those of a folder, as data'],
    ],
  },
  plan: {
    ...READS,
    environment: ['places', 'sources'],
    examples: [
      ['plan missing-version', 'each run and its steps'],
      ['plan our-issue.yaml --set containerd=1.6.3 --json', 'one cell, as data'],
      ['plan --github --shards 3', 'a matrix for jobs of GitHub Actions'],
    ],
  },
  judge: {
    ...READS,
    exitCodes: [0, 1, 2, 69, 70],
    examples: [['judge .cnilab/2026-11-21T181229-368dc3', 'all runs of a session again']],
  },
  report: {
    ...READS,
    exitCodes: [0, 1, 2, 69, 70],
    environment: ['reports'],
    examples: [
      ['report .cnilab/latest --reporter html=report.html', 'of the newest session, as a page'],
      ['report .cnilab/latest --reporter junit=report.xml', 'of the newest session, for a CI service'],
      ['report monday tuesday --reporter json=report.json', 'of runs of several sessions together'],
    ],
  },
  merge: {
    ...READS,
    exitCodes: [0, 1, 2, 69, 70],
    examples: [
      ['merge shard-1 shard-2 shard-3', 'what is missing of the plan makes it inconclusive'],
      ['merge shards --output .cnilab', 'record them as one session'],
      ['merge shards --reporter junit=report.xml', 'everything below one folder, for a CI service'],
    ],
  },
  timeline: {
    ...READS,
    examples: [
      ['timeline .cnilab/latest', 'who called what, when, in all runs of the last session'],
      ['timeline .cnilab/latest/missing-version.containerd-1.6.3 --json', 'of one run, as data'],
    ],
  },
  replay: {
    ...FETCHES,
    exitCodes: [0, 1, 2, 69, 70, 130],
    examples: [
      ['replay .cnilab/SESSION/RUN 3', 'the third call, on a fresh node'],
      ['replay .cnilab/SESSION/RUN 3 --node lab-abcdef', 'on a node that is up'],
    ],
  },
  findings: {
    ...READS,
    exitCodes: [0, 1, 2, 69, 70],
    environment: ['places', 'sources'],
    examples: [
      ['findings', 'the page, of the newest session'],
      ['findings .cnilab/2026-11-21T181229-368dc3 --write', 'into docs/findings.md and README.md'],
    ],
  },
  fetch: { ...FETCHES, examples: [['fetch missing-version --containerd 1.6.3', 'what this run needs']] },
  versions: {
    ...READS,
    environment: ['places', 'sources'],
    examples: [
      ['versions', 'of every component'],
      ['versions containerd --json', 'of one, as data'],
    ],
  },
  doctor: {
    ...FETCHES,
    exitCodes: [0, 2, 69, 70],
    examples: [
      ['doctor', 'every check'],
      ['doctor --json --offline', 'as data, and without a socket'],
    ],
  },
  clean: {
    ...NODES,
    examples: [
      ['clean', 'what killed runs left'],
      ['clean --kept --cache', 'and kept nodes, and everything that was fetched'],
    ],
  },
  up: {
    ...FETCHES,
    examples: [
      ['up --containerd 1.6.3 --cni-config ./10-mine.conflist', 'a node with a configuration of yours'],
      ['up --scenario missing-version --set containerd=1.6.3', 'the node of a scenario'],
      ['up --crio 1.34.0', 'a node with CRI-O'],
    ],
  },
  enter: {
    ...NODES,
    exitCodes: [2, 69, 70],
    examples: [
      ['enter lab-abcdef', 'a shell; its exit code is the code of this command'],
      ['enter lab-abcdef crictl pods', 'one command'],
    ],
  },
  cni: {
    ...NODES,
    exitCodes: [2, 69, 70],
    examples: [
      ['cni add lab-abcdef --netns mine', "the node's network, in a namespace that this makes"],
      ['cni del lab-abcdef --netns mine', 'the same the other way round'],
      [
        'cni add lab-abcdef --plugin loopback --netns /gone --config lo.conf',
        'one plugin; the output and the exit code are its own',
      ],
    ],
  },
  ps: { ...NODES, examples: [['ps', 'the nodes that are up']] },
  down: {
    ...NODES,
    examples: [
      ['down lab-abcdef', 'one node'],
      ['down --all', 'all that were left up'],
    ],
  },
  completion: {
    exitCodes: [0, 2],
    environment: [],
    examples: [
      ['completion bash', 'for ~/.bashrc: source <(cnilab completion bash)'],
      ['completion zsh', 'for ~/.zshrc, after compinit: source <(cnilab completion zsh)'],
      ['completion fish', 'for config.fish: cnilab completion fish | source'],
    ],
  },
};

/** Examples, exit codes and environment variables of a command, shown below its options. */
export function helpBelow(command: string): string {
  const help = HELP[command];
  if (help === undefined) return '';
  const { examples, exitCodes, environment } = help;
  const variables = [...environment, 'terminal' as const].flatMap((group) =>
    Object.entries(ENVIRONMENT[group]),
  );
  return [
    ['Examples:', ...examples.flatMap(([words, what]) => [`  $ cnilab ${words}`, `      ${what}`])],
    table(
      'Exit codes:',
      exitCodes.map((code) => [String(code), EXIT_CODES[code]]),
    ),
    table('Environment:', variables),
  ]
    .map((lines) => `\n${lines.join('\n')}`)
    .join('\n');
}

function table(heading: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [heading, ...rows.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`)];
}

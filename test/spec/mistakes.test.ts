import { expect, test } from 'vitest';
import { mistakesOf } from './read.ts';

const HEAD = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\n';

test('all mistakes of a file are reported at once, each with its line and a solution', () => {
  const text = `name: Bad Name
sumary: Something
matrix:
  containerd: [1.6.0, v1.6.1, 1.6.0]
node:
  containerd: \${matrix.containerd}
  cni-plugins: { loopback: 1.1 }
  cni-config: { 10-x.conflist: { name: a, name: b, mtu: '\${web.id}' } }
pods:
  wbe: { host-ports: [{ host: 0, container: 80, protocol: tpc }] }
steps:
  - run-pod: web
    expect: { ok: true, error: 'x \${web.idd} \${HOME} \${u:uid}' }
  - stop-pod: wbe
expect: { ok: true }
`;
  expect(mistakesOf(text)).toBe(`s.yaml:1:1 "summary" is missing
    name: Bad Name
    ~~~~~~~~~~~~~~
s.yaml:1:7 wanted a name of small letters, digits and dashes; got "Bad Name"
    name: Bad Name
          ~~~~~~~~
s.yaml:2:1 unknown key "sumary"; did you mean "summary"? allowed here: name, summary, steps, include, finding, references, control, matrix, pods, node, nodes, cluster, expect
    sumary: Something
    ~~~~~~
s.yaml:4:23 a version has no "v" before it: write "1.6.1"; got "v1.6.1"
      containerd: [1.6.0, v1.6.1, 1.6.0]
                          ~~~~~~
s.yaml:4:31 "1.6.0" stands in axis "containerd" twice
      containerd: [1.6.0, v1.6.1, 1.6.0]
                                  ~~~~~
s.yaml:7:28 wanted a whole version such as "1.1.0"; got "1.1"
      cni-plugins: { loopback: 1.1 }
                               ~~~
s.yaml:8:43 "name" stands here twice; the first is in line 8
      cni-config: { 10-x.conflist: { name: a, name: b, mtu: '\${web.id}' } }
                                              ~~~~
s.yaml:8:58 only \${matrix.AXIS} can stand here, as this is fixed before anything runs; write "$\${" for the characters themselves
      cni-config: { 10-x.conflist: { name: a, name: b, mtu: '\${web.id}' } }
                                                             ~~~~~~~~~
s.yaml:10:31 wanted a whole number from 1 to 65535; got 0
      wbe: { host-ports: [{ host: 0, container: 80, protocol: tpc }] }
                                  ~
s.yaml:10:59 wanted one of tcp, udp, sctp; got "tpc"; did you mean "tcp"?
      wbe: { host-ports: [{ host: 0, container: 80, protocol: tpc }] }
                                                              ~~~
s.yaml:13:13 "ok: true" contradicts "error"; leave "ok" out
        expect: { ok: true, error: 'x \${web.idd} \${HOME} \${u:uid}' }
                ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
s.yaml:13:35 a pod has id, ip, ip6, netns; got "idd"
        expect: { ok: true, error: 'x \${web.idd} \${HOME} \${u:uid}' }
                                      ~~~~~~~~~~
s.yaml:13:46 nothing was captured as "HOME"; write "\${HOME:word}" to capture it, "$\${HOME}" for the characters themselves
        expect: { ok: true, error: 'x \${web.idd} \${HOME} \${u:uid}' }
                                                 ~~~~~~~
s.yaml:13:54 a capture is one of id, uuid, ip, number, hash, word; got "uid"
        expect: { ok: true, error: 'x \${web.idd} \${HOME} \${u:uid}' }
                                                         ~~~~~~~~
s.yaml:14:15 no step before this runs pod "wbe"; did you mean "web"? known: web
      - stop-pod: wbe
                  ~~~
s.yaml:15:11 there is no "ok" here: it is of a step
    expect: { ok: true }
              ~~
`);
});

const CONNECT_MISTAKES = [
  ['not an address', 'not an address'],
  ['127.0.0.1:eighty', "'127.0.0.1:eighty'"],
  ['127.0.0.1:99999', "'127.0.0.1:99999'"],
  ['1.2.3.400:80', "'1.2.3.400:80'"],
  ['fd00::1:80', "'fd00::1:80'"],
]
  .map(
    ([to, written = ''], index) =>
      `s.yaml:${index + 5}:32 wanted an address and a port from 1 to 65535: 10.88.0.1:80, \${web.ip}:80 or [\${web.ip6}]:80; got "${to}"
      - connect: { from: node, to: ${written} }
                                   ${'~'.repeat(written.length)}
`,
  )
  .join('');

test.each([
  [
    'a declared pod that is never run',
    'pods: { db: {} }\nsteps: [{ run-pod: web }]\n',
    `s.yaml:4:9 pod "db" is never run; add a step "run-pod: db" or take it out
    pods: { db: {} }
            ~~
`,
  ],
  [
    'a step with two verbs',
    'steps:\n  - run-pod: web\n    stop-pod: web\n',
    `s.yaml:6:5 a step does one thing: make two of "run-pod" and "stop-pod"
        stop-pod: web
        ~~~~~~~~
`,
  ],
  [
    'a container that nobody created',
    'steps:\n  - start-container: app\n',
    `s.yaml:5:22 no step before this creates container "app"; none so far
      - start-container: app
                         ~~~
`,
  ],
  [
    'a container called as a pod',
    'steps:\n  - run-pod: web\n  - create-container: { container: web, pod: web, command: [sh] }\n',
    `s.yaml:6:36 "web" is a pod already; give the container another name
      - create-container: { container: web, pod: web, command: [sh] }
                                       ~~~
`,
  ],
  [
    'half of a part',
    'steps:\n  - run-pod: web\n    expect: { error: { contains: x } }\n',
    `s.yaml:6:22 "why" is missing
        expect: { error: { contains: x } }
                         ~~~~~~~~~~~~~~~
`,
  ],
  [
    'what the step cannot answer',
    'steps:\n  - stop-runtime:\n    expect: { pod: { state: ready }, error: x }\n',
    `s.yaml:6:15 "pod" is the pod of the step, and stop-runtime has none; write "pods: { NAME: … }"
        expect: { pod: { state: ready }, error: x }
                  ~~~
s.yaml:6:38 stop-runtime runs no command that could have "error"; it can be ok or not
        expect: { pod: { state: ready }, error: x }
                                         ~~~~~
`,
  ],
  [
    'a malformed range and an unknown subject',
    `steps:\n  - run-pod: web\n    expect: { when: { containerd: '>=1.x.y.z', contaierd: 1.0.0 } }\n`,
    `s.yaml:6:35 wanted a range such as ">=1.6.0 <1.6.4"; got ">=1.x.y.z"
        expect: { when: { containerd: '>=1.x.y.z', contaierd: 1.0.0 } }
                                      ~~~~~~~~~~~
s.yaml:6:48 "contaierd" is neither a component nor an axis; did you mean "containerd"? known: containerd, crio, runc, cni-plugins, crictl
        expect: { when: { containerd: '>=1.x.y.z', contaierd: 1.0.0 } }
                                                   ~~~~~~~~~
`,
  ],
  [
    'an unknown kind',
    'steps: [{ run-pod: web }]\nexpect: { left-behind: { netn: 1 } }\n',
    `s.yaml:5:26 unknown key "netn"; did you mean "netns"? allowed here: netns, netns-mount, veth, bridge, bridge-port, link, address, route, rule, neighbour, qdisc, xfrm, sysctl, conntrack, ipam, ipam-state, cni-result, file, iptables, nft, mount, cgroup, shim, process, sandbox, container, shared
    expect: { left-behind: { netn: 1 } }
                             ~~~~
`,
  ],
  [
    'the wrong kind of value',
    'steps: { run-pod: web }\n',
    `s.yaml:4:8 wanted a list; got a mapping
    steps: { run-pod: web }
           ~~~~~~~~~~~~~~~~
`,
  ],
  [
    'what is known in listing steps only',
    `steps:\n  - run-pod: web\n    expect: { error: 'x \${listed.id}' }\n`,
    `s.yaml:6:25 \${listed.id} is known to the expectations of stop-listed-pods and remove-listed-pods only
        expect: { error: 'x \${listed.id}' }
                            ~~~~~~~~~~~~
`,
  ],
  [
    'a capture in a step',
    `steps:\n  - exec: [echo, '\${x:word}', '\${y}']\n`,
    `s.yaml:5:19 only expectations can capture; steps know pods and containers, as \${web.id}
      - exec: [echo, '\${x:word}', '\${y}']
                      ~~~~~~~~~
s.yaml:5:32 "y" is not known here; write "$\${y}" for the characters themselves
      - exec: [echo, '\${x:word}', '\${y}']
                                   ~~~~
`,
  ],
  [
    'a control of an unknown finding',
    'control: { outcome: fail, finding: leak, step: 1-run-pod, message: x }\nsteps: [{ run-pod: web }]\n',
    `s.yaml:4:36 wanted one of ran, ok, error, output, exit-code, timed-out, runtime, network-ready, pod, container, left-behind, log, no-log, calls, no-calls, call-order, netns, cluster-nodes, cluster-pods, cluster-events, cleanup, control; got "leak"
    control: { outcome: fail, finding: leak, step: 1-run-pod, message: x }
                                       ~~~~
`,
  ],
  [
    'a control of a step that there is not',
    'control: { outcome: fail, finding: ok, step: 1-stop-pod, message: x }\nsteps: [{ run-pod: web }]\n',
    `s.yaml:4:46 there is no step "1-stop-pod"; known: start, 1-run-pod, end
    control: { outcome: fail, finding: ok, step: 1-stop-pod, message: x }
                                                 ~~~~~~~~~~
`,
  ],
  [
    'a control of the end of a single node by a name',
    'control: { outcome: fail, finding: ok, step: end, on: left, message: x }\nsteps: [{ run-pod: web }]\n',
    `s.yaml:4:55 "on" belongs to a control of start or end, where there are several nodes
    control: { outcome: fail, finding: ok, step: end, on: left, message: x }
                                                          ~~~~
`,
  ],
  [
    'a connection to what is no address',
    `steps:
  - connect: { from: node, to: not an address }
  - connect: { from: node, to: '127.0.0.1:eighty' }
  - connect: { from: node, to: '127.0.0.1:99999' }
  - connect: { from: node, to: '1.2.3.400:80' }
  - connect: { from: node, to: 'fd00::1:80' }
`,
    CONNECT_MISTAKES,
  ],
  [
    'a step without an answer that has one',
    'steps: [{ exec: [x], expect: { timed-out: true, output: y } }]\n',
    `s.yaml:4:30 "timed-out: true" says that there is no answer; leave "output" out
    steps: [{ exec: [x], expect: { timed-out: true, output: y } }]
                                 ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
`,
  ],
])('%s is a mistake', (_what, rest, message) => {
  expect(mistakesOf(HEAD + rest)).toBe(message);
});

test('for an unknown verb the message has the nearest verb', () => {
  expect(mistakesOf(`${HEAD}steps: [{ run-pdo: web }]\n`)).toMatch(
    /^s\.yaml:4:11 a step cannot have "run-pdo"; did you mean "run-pod"\?\n/,
  );
});

test('a file that is not YAML has a mistake at each position', () => {
  expect(mistakesOf('a: [1\nb: }\n'))
    .toBe(`s.yaml:2:1 this is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]
    b: }
    ~
s.yaml:2:4 this is not YAML: Unexpected flow-map-end token in YAML stream: "}"
    b: }
       ~
`);
});

test.each([
  ['an empty file', '', 'nothing'],
  ['a list', '- a\n', 'a list'],
])('%s is no scenario', (_what, text, got) => {
  expect(mistakesOf(text)).toContain(
    `s.yaml:1:1 a scenario is a mapping with name, summary, node and steps; got ${got}\n`,
  );
});

test('a mistake in an anchor is reported once, at the anchor', () => {
  const text = `${HEAD}steps:
  - run-pod: web
    expect: &e { okay: true }
  - stop-pod: web
    expect: *e
  - remove-pod: web
    expect: *f
`;
  expect(mistakesOf(text))
    .toBe(`s.yaml:6:18 unknown key "okay"; allowed here: ok, error, output, exit-code, timed-out, pod, container, when, runtime, network-ready, pods, containers, left-behind, log, no-log, calls, no-calls, netns, call-order, cluster
        expect: &e { okay: true }
                     ~~~~
s.yaml:10:13 no anchor "&f" stands before this
        expect: *f
                ~~
`);
});

test('half a surrogate pair cannot be in a file or a command, only in an expectation', () => {
  const half = String.raw`"\uDCFF"`;
  expect(mistakesOf(`${HEAD}steps: [{ exec: [printf, ${half}], expect: { output: ${half} } }]\n`))
    .toBe(String.raw`s.yaml:4:26 this holds half a character (\uD800 to \uDFFF), which no file and no command can; take bytes from a file, with { from: ./x }
    steps: [{ exec: [printf, "\uDCFF"], expect: { output: "\uDCFF" } }]
                             ~~~~~~~~
`);
});

test('a mistake is shown safely, and only part of a long line is shown', () => {
  const padding = 'x'.repeat(300);
  const text = `name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps: [{ exec: [${padding}] }, { "\\e[2J\\u202E": web }, { exec: [${padding}] }]\n`;
  const shown = mistakesOf(text);
  expect(shown).toContain('got "\\u001b[2J\\u202e"');
  expect(shown.match(/[^\P{C}\n]/gu)).toBeNull();
  expect(shown.split('\n').every((line) => !line.startsWith('    ') || line.length < 420)).toBe(true);
  expect(mistakesOf(`${HEAD}steps: [{ run-pod: ${'A'.repeat(100_000)} }]\n`).length).toBeLessThan(3000);
});

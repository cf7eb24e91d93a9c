import { expect, test } from 'vitest';

import { judge } from '../rig/judged.ts';
import { createJunitReporter, formatXml } from '../../lab/report/junit.ts';
import { exactly, expecting, journalOf, planned, runPod } from '../rig/recorded-run.ts';
import { brokenOff, failing, passing, session, tell, type RecordedCell } from '../rig/sessions.ts';

async function junit(...args: Parameters<typeof session>): Promise<string> {
  let text = '';
  await tell(createJunitReporter({ write: (more) => void (text += more) }), session(...args));
  return text;
}

test('a scenario is a suite, a step of a cell is a case: failures, errors and steps that were not reached', async () => {
  const { run } = passing('1.6.4');
  expect(await junit([failing('1.6.3'), brokenOff('1.6.2')], [run])).toBe(
    `
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="cnilab" tests="7" failures="1" errors="2" time="0.120">
  <testsuite name="reserved" file="web.yaml" tests="7" failures="1" errors="2" skipped="1" time="0.120">
    <testcase classname="reserved containerd=1.6.3" name="1-run-pod" time="0.040">
      <failure type="error" message="1-run-pod: error differs at character 9">1-run-pod: error differs at character 9
  at web.yaml:21:5
    expected  name "web" is reserved for "\${web.id}"
    actual    name "wed" is reserved for "&lt;web&gt;"
                      ^ first difference
    command exited with 1: crictl runp /lab/pods/web.json
    to expect it  error: 'name "wed" is reserved for "\${web.id}"'
    log  10:00:00.250 error two</failure>
    </testcase>
    <testcase classname="reserved containerd=1.6.3" name="2-stop-pod" time="0.040"/>
    <testcase classname="reserved containerd=1.6.3" name="end" time="0.000">
      <system-out>recorded in /out/s1/reserved-containerd-1.6.3
made of containerd 1.6.3 (gomod)</system-out>
    </testcase>
    <testcase classname="reserved containerd=1.6.2" name="1-run-pod" time="0.040"/>
    <testcase classname="reserved containerd=1.6.2" name="2-stop-pod" time="0.000">
      <error type="ran" message="2-stop-pod: the run did not come to its end: during the steps: the agent &lt;went&gt; away">2-stop-pod: the run did not come to its end: during the steps: the agent &lt;went&gt; away
  at web.yaml:11:5
    not taken to the end: 2-stop-pod</error>
    </testcase>
    <testcase classname="reserved containerd=1.6.2" name="end" time="0.000">
      <skipped>nothing is known of it: the run did not come so far</skipped>
      <system-out>recorded in /out/s1/reserved-containerd-1.6.2
made of containerd 1.6.2 (gomod)</system-out>
    </testcase>
    <testcase classname="reserved containerd=1.6.4" name="run" time="0.000">
      <error message="the run was not started or did not end"/>
    </testcase>
  </testsuite>
</testsuites>
`.slice(1),
  );
});

test('a control that fails as expected is one case, and it passes', async () => {
  const run = planned({
    control: { outcome: 'fail', finding: 'ok', step: '1-run-pod', message: exactly('ok: true') },
    steps: [[runPod, expecting({ ok: false })]],
  });
  const control: RecordedCell = { run, entries: journalOf(run) };
  expect(judge(run, control.entries).outcome).toBe('pass');
  expect(await junit([control])).toBe(
    `
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="cnilab" tests="1" failures="0" errors="0" time="0.612">
  <testsuite name="web" file="web.yaml" tests="1" failures="0" errors="0" skipped="0" time="0.612">
    <testcase classname="web" name="control" time="0.612">
      <system-out>recorded in /out/s1/web
made of containerd 1.6.3 (gomod)</system-out>
    </testcase>
  </testsuite>
</testsuites>
`.slice(1),
  );
});

test('characters that XML cannot hold are escaped', () => {
  const told = 'a<b>&"c\'\t\n\r\u001b\u0000\ud800\ufffe😀';
  expect(formatXml({ name: 'x', attributes: { told, n: 1 }, children: [told] })).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      '<x told="a&lt;b&gt;&amp;&quot;c\'&#9;&#10;&#13;\\u001b\\u0000\\ud800\\ufffe😀" n="1">' +
      'a&lt;b&gt;&amp;"c\'\t\n&#13;\\u001b\\u0000\\ud800\\ufffe😀</x>\n',
  );
});

test('invisible characters are escaped, and a message has a maximum length', async () => {
  const { run, entries } = failing('1.6.0');
  const said = entries.map((entry) =>
    entry.kind === 'command'
      ? {
          ...entry,
          result: { ...entry.result, stderr: `\u001b\u202e\u0085\0 ]]> <b> ${'A'.repeat(1_000_000)}` },
        }
      : entry,
  );
  const text = await junit([{ run, entries: said }]);
  expect(text.match(/[^\P{C}\n]/gu)).toBeNull();
  expect(text.length).toBeLessThan(20_000);
});

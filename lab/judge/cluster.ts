import type { ClusterState } from '../core/cluster-state.ts';
import {
  countOf,
  describeEvent,
  describeNode,
  describePods,
  findEvents,
  isAbout,
  isOften,
  nodeNamed,
  textsOfNode,
  wrongOfNode,
  wrongOfPods,
} from '../match/cluster.ts';
import type { ClusterExpectation, ClusterNodeExpectation, EventExpectation } from '../spec/scenario.ts';
import { judgeText, type Judged, type Subject } from './check.ts';
import type { CheckName, Finding } from './verdict.ts';

/** Nodes, pods and events of the cluster, as the look at it after the step saw them. */
export function judgeCluster(subject: Subject): Judged {
  const { expect, cluster: look, stepId, bindings } = subject;
  const { cluster: wanted } = expect;
  if (wanted === undefined) return { findings: [], bindings };
  if (look === undefined || 'unseen' in look) {
    const message = `the cluster is not known: ${look?.unseen ?? 'nobody looked'}`;
    const checks = checksOf(wanted);
    const findings = checks.map((check): Finding => ({
      ...{ check, outcome: 'inconclusive', stepId, place: wanted.place, message },
    }));
    return { findings, bindings };
  }
  const nodes = Object.entries(wanted.nodes).reduce<Judged>(
    (before, [name, expected]) => also(before, judgeNode(name, { expected, state: look, stepId, before })),
    { findings: [], bindings },
  );
  const pods = Object.entries(wanted.pods).map(([app, expected]): Finding => {
    const wrong = wrongOfPods(app, { expected, state: look });
    const common = { check: 'cluster-pods', stepId, place: expected.place } as const;
    const { place: _, ...keys } = expected;
    return wrong === undefined
      ? { ...common, outcome: 'pass', message: `${describePods(app, look)}, as expected` }
      : { ...common, outcome: 'fail', message: wrong, expected: shown(keys), actual: wrong };
  });
  return wanted.events.reduce<Judged>(
    (before, event) => also(before, judgeEvent(event, { state: look, stepId, before })),
    {
      findings: [
        ...nodes.findings,
        ...pods,
        ...wanted.noEvents.map((event) => judgeNoEvent(event, { state: look, stepId, before: nodes })),
      ],
      bindings: nodes.bindings,
    },
  );
}

const also = (before: Judged, { findings, bindings }: Judged): Judged => ({
  findings: [...before.findings, ...findings],
  bindings,
});

const checksOf = ({ nodes, pods, events, noEvents }: ClusterExpectation): readonly CheckName[] => [
  ...(Object.keys(nodes).length > 0 ? (['cluster-nodes'] as const) : []),
  ...(Object.keys(pods).length > 0 ? (['cluster-pods'] as const) : []),
  ...(events.length + noEvents.length > 0 ? (['cluster-events'] as const) : []),
];

interface At {
  readonly state: ClusterState;
  readonly stepId: string;
  readonly before: Judged;
}

function judgeNode(
  name: string,
  { expected, state, stepId, before }: At & { readonly expected: ClusterNodeExpectation },
): Judged {
  const { bindings } = before;
  const common = { check: 'cluster-nodes', stepId, place: expected.place } as const;
  const seen = nodeNamed(name, state);
  const wrong = wrongOfNode(name, { expected, state });
  if (wrong !== undefined || seen === undefined) {
    const { place: _, reason: _reason, message: _message, ...keys } = expected;
    const message = wrong ?? '';
    return {
      findings: [{ ...common, outcome: 'fail', message, expected: shown(keys), actual: message }],
      bindings,
    };
  }
  const asWanted: Finding = { ...common, outcome: 'pass', message: `${describeNode(seen)}, as expected` };
  return textsOfNode(expected, seen).reduce<Judged>(
    (so, [text, actual, what]) =>
      also(
        so,
        judgeText(text, actual, { ...common, subject: `the ${what} of node ${name}`, bindings: so.bindings }),
      ),
    { findings: [asWanted], bindings },
  );
}

/** Where none is as described, the one that is most alike is compared, so that the difference is seen. */
function judgeEvent(event: EventExpectation, { state, stepId, before: { bindings } }: At): Judged {
  const common = { check: 'cluster-events', stepId, place: event.place } as const;
  const found = findEvents(event, state.events, bindings);
  const words = describeEvent(event, bindings);
  if (isOften(event, found)) {
    const message = `${countOf(found)} times ${words}, as expected`;
    return {
      findings: [{ ...common, outcome: 'pass', message }],
      bindings: found.at(-1)?.bindings ?? bindings,
    };
  }
  const alike = state.events.filter((one) => isAbout(event, one));
  const nearest = alike.at(-1);
  if (found.length === 0 && event.message !== undefined && nearest !== undefined)
    return judgeText(event.message, nearest.message, {
      ...common,
      subject: `the event ${nearest.reason}`,
      bindings,
    });
  const message = `${countOf(found)} times ${words}, expected ${event.times ?? 'at least 1'}`;
  const detail = state.events
    .filter(({ type }) => type === 'Warning')
    .slice(-SHOWN)
    .map(({ reason, name, message: text }) => `${reason} ${name}: ${text}`);
  const expected = String(event.times ?? 'at least 1');
  return {
    findings: [{ ...common, outcome: 'fail', message, expected, actual: String(countOf(found)), detail }],
    bindings,
  };
}

function judgeNoEvent(event: EventExpectation, { state, stepId, before: { bindings } }: At): Finding {
  const common = { check: 'cluster-events', stepId, place: event.place } as const;
  const found = findEvents(event, state.events, bindings);
  const words = describeEvent(event, bindings);
  const [first] = found;
  if (first === undefined) return { ...common, outcome: 'pass', message: `no ${words}, as expected` };
  const { reason, name, message: text } = first.event;
  const actual = `${reason} ${name}: ${text}`;
  return { ...common, outcome: 'fail', message: `${countOf(found)} times ${words}, expected none`, actual };
}

const SHOWN = 10;

/** As it stands in a file. */
const shown = (keys: object): string => JSON.stringify(keys);

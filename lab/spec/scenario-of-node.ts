import { DEFAULT_RUNTIME } from '../core/components.ts';
import type { Place } from './diagnostic.ts';
import type { NodeSpec, Scenario } from './scenario.ts';

export interface NodeByHand {
  readonly summary: string;
  /** whose words the versions and files are, for messages; `local:` paths are meant from its folder */
  readonly place: Place;
  /** what is not said is as in a file that does not say it, with all standard plugins */
  readonly node: Partial<NodeSpec>;
}

/** A scenario without steps, which says what is on a node that is worked with by hand. */
export function scenarioOfNode({ summary, place, node }: NodeByHand): Scenario {
  const version = { text: 'default', place };
  return {
    place,
    text: '',
    name: 'by-hand',
    summary,
    references: [],
    matrix: [],
    nodes: [
      {
        runtime: { name: DEFAULT_RUNTIME, version },
        cniPlugins: { set: version, plugins: [] },
        cniConfig: [],
        files: [],
        ...node,
      },
    ],
    pods: [],
    steps: [],
    expect: [],
  };
}

import type { Scenario, VersionText } from '../spec/scenario.ts';
import { pluginVersions } from '../spec/node-shape.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import { parseVersionSpec } from '../spec/version-spec.ts';
import { cellsOf } from './cells.ts';
import { checkSize } from './checks.ts';
import type { ComponentName } from '../core/components.ts';
import { fillVersion } from './fill.ts';
import type { PlanOptions } from './plan-scenarios.ts';
import { runOn } from './node-run.ts';
import { localHostPath } from './resolve-component.ts';

/** Something local that has to be asked for its version before a plan can be made. */
export interface LocalComponent {
  readonly component: ComponentName;
  readonly hostPath: string;
}

/** Every `local:` of any cell, each once. */
export function localComponents(
  scenarios: readonly Scenario[],
  { cwd, overrides = {}, only = {} }: Omit<PlanOptions, 'facts'>,
): readonly LocalComponent[] {
  const found = new Map<string, LocalComponent>();
  for (const scenario of scenarios) {
    if (checkSize(scenario, { overrides, only }) !== undefined) continue; // told when the plan is made
    const { cells, nodes } = cellsOf(scenario, { overrides, only });
    for (const [component, text] of versionTexts({ ...scenario, nodes })) {
      for (const cell of cells) {
        const version = fillVersion(text, cell.values);
        const spec = parseVersionSpec(version.text);
        if (!spec.ok || spec.value.kind !== 'local') continue;
        const hostPath = localHostPath(spec.value.path, { version, cwd });
        found.set(`${component} ${hostPath}`, { component, hostPath });
      }
    }
  }
  return [...found.values()];
}

function versionTexts({
  nodes,
  steps,
}: Pick<Scenario, 'nodes' | 'steps'>): readonly (readonly [ComponentName, VersionText])[] {
  const ofNodes = nodes.flatMap((node): readonly (readonly [ComponentName, VersionText | undefined])[] => [
    [node.runtime.name, node.runtime.version],
    ['runc', node.runc],
    ['crictl', node.crictl],
    ...pluginVersions(node.cniPlugins),
  ]);
  return [
    ...ofNodes.flatMap(([component, version]) =>
      version === undefined ? [] : [[component, version] as const],
    ),
    ...steps.flatMap(
      ({ on, action }) => specOf(action).versions?.(action, runOn(nodes, on).runtime.name) ?? [],
    ),
  ];
}

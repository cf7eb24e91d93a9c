import type { ComponentName } from '../../core/components.ts';

export interface VersionQuestion {
  readonly program: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How a component is asked for its version. A CNI plugin that is run without CNI_COMMAND tells it on stderr. */
export function versionQuestion(component: ComponentName, programs: readonly string[]): VersionQuestion {
  if (component === 'cni-plugins') {
    const program = programs.includes('loopback') ? 'loopback' : (programs[0] ?? 'loopback');
    return { program, argv: [], env: { CNI_COMMAND: '' } };
  }
  return { program: component, argv: ['--version'], env: {} };
}

/**
 * The version in what a program said: `containerd github.com/containerd/containerd v1.6.3 3df54a…`, `runc version 1.1.15`,
 * `crictl version v1.25.0`, `CNI loopback plugin v1.1.1`, `loopback version unknown`, which has none.
 */
export function versionFromOutput(output: string): string | undefined {
  return /(?:^|[\s:])v?(\d+\.\d+\.\d+(?:[-+~][\w.+~-]+)?)(?=[\s,]|$)/m.exec(output)?.[1];
}

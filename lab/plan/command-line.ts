import type { Diagnostic } from '../spec/diagnostic.ts';
import { didYouMean } from '../spec/did-you-mean.ts';
import type { Scenario } from '../spec/scenario.ts';
import { overriddenVersions, type CellOptions } from './cells.ts';
import { resolveComponent } from './resolve-component.ts';
import type { VersionFacts } from './version-facts.ts';

/** What is wrong with versions and axes of the command line, whichever scenario they are for. */
export function checkCommandLine(
  scenarios: readonly Scenario[],
  { facts, cwd, overrides, only }: CellOptions & { facts: VersionFacts; cwd: string },
): readonly Diagnostic[] {
  const versions = overriddenVersions(overrides).flatMap(([component, values]) =>
    values.flatMap((text) => {
      const version = { text, place: { file: COMMAND_LINE, line: 1, column: 1 } };
      const ref = resolveComponent({ component, version, facts, cwd });
      return ref.ok ? [] : [wrongFlag({ flag: `--${component}`, value: text, message: ref.error })];
    }),
  );
  const axes = [...new Set(scenarios.flatMap(({ matrix }) => matrix.map(({ axis }) => axis)))];
  const unknown = Object.keys(only).filter((axis) => !axes.includes(axis));
  return [
    ...versions,
    ...unknown.map((axis) => {
      const known =
        axes.length === 0
          ? '; none of them has a matrix'
          : `${didYouMean(axis, axes) || ';'} known: ${axes.join(', ')}`;
      return wrongFlag({
        flag: '--set',
        value: axis,
        message: `no scenario here has an axis "${axis}"${known}`,
      });
    }),
  ];
}

const COMMAND_LINE = 'command line';

function wrongFlag({ flag, value, message }: { flag: string; value: string; message: string }): Diagnostic {
  return {
    place: { file: COMMAND_LINE, line: 1, column: flag.length + 2 },
    message,
    source: { text: `${flag} ${value}`, length: value.length },
  };
}

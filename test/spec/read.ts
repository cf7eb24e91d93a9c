import { err, ok } from '../../lab/core/lab-error.ts';
import { CHECKS } from '../../lab/judge/verdict.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { parseScenario } from '../../lab/spec/scenario-shape.ts';
import type { Scenario } from '../../lab/spec/scenario.ts';
import type { Beside } from '../../lab/spec/yaml-file.ts';

/** Files beside a scenario: path → content. */
type Files = Readonly<Record<string, string | Uint8Array>>;

const besideOf =
  (files: Files): Beside =>
  (path) => {
    const content = files[path];
    return content === undefined ? err(`${path} cannot be read: there is none`) : ok(Buffer.from(content));
  };

/** The options for reading a scenario without files beside it. */
export const ALONE = { checks: CHECKS, beside: besideOf({}) };

/** The scenario in a valid text. */
export function scenarioOf(text: string, file = 's.yaml', files: Files = {}): Scenario {
  const parsed = parseScenario({ file, text, checks: CHECKS, beside: besideOf(files) });
  if (!parsed.ok) throw new Error(parsed.error.map(formatDiagnostic).join('\n'));
  return parsed.value;
}

/** All mistakes of a text as a user sees them; empty if the text is valid. */
export function mistakesOf(text: string, files: Files = {}): string {
  const parsed = parseScenario({ file: 's.yaml', text, checks: CHECKS, beside: besideOf(files) });
  return parsed.ok ? '' : parsed.error.map((mistake) => `${formatDiagnostic(mistake)}\n`).join('');
}

import { CHECKS } from '../../lab/judge/verdict.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { parseScenario } from '../../lab/spec/parse-scenario.ts';
import type { Scenario } from '../../lab/spec/scenario.ts';

/** The scenario of a text that is sound. */
export function scenarioOf(text: string, file = 's.yaml'): Scenario {
  const parsed = parseScenario({ file, text, checks: CHECKS });
  if (!parsed.ok) throw new Error(parsed.error.map(formatDiagnostic).join('\n'));
  return parsed.value;
}

/** Every mistake of a text as a user sees them; empty for a sound one. */
export function mistakesOf(text: string): string {
  const parsed = parseScenario({ file: 's.yaml', text, checks: CHECKS });
  return parsed.ok ? '' : parsed.error.map((mistake) => `${formatDiagnostic(mistake)}\n`).join('');
}

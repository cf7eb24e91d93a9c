import { Evaluator, Lexer, Parser, data } from '@actions/expressions';

export type Values = Readonly<Record<string, unknown>>;

/** Evaluates `${{ }}` in texts, at any depth. A text that is a single expression gets the value of that expression. */
export function evaluateIn(value: unknown, contexts: Values): unknown {
  if (Array.isArray(value)) return value.map((one) => evaluateIn(one, contexts));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, evaluateIn(one, contexts)]));
  if (typeof value !== 'string') return value;
  const alone = /^\$\{\{(?:(?!\}\}).)*\}\}$/s.exec(value.trim());
  if (alone !== null) return plain(evaluate(value.trim().slice(3, -2), contexts)) ?? '';
  return value.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, inside: string) =>
    evaluate(inside, contexts).coerceString(),
  );
}

type Result = ReturnType<Evaluator['evaluate']>;

function evaluate(expression: string, contexts: Values, succeeding = true): Result {
  const status = (name: string, value: boolean) => ({
    ...{ name, minArgs: 0, maxArgs: 0 },
    call: () => new data.BooleanData(value),
  });
  const functions = [
    ...[status('always', true), status('success', succeeding), status('failure', !succeeding)],
    status('cancelled', false),
  ];
  const { tokens } = new Lexer(expression).lex();
  const parsed = new Parser(tokens, Object.keys(contexts), functions).parse();
  const values = JSON.parse(JSON.stringify(contexts), data.reviver) as InstanceType<typeof data.Dictionary>;
  return new Evaluator(parsed, values, new Map(functions.map((one) => [one.name, one]))).evaluate();
}

const plain = (value: Result): unknown => JSON.parse(JSON.stringify(value, data.replacer));

/**
 * Whether a step or a job runs. `succeeding`: nothing before it failed. A condition without a status function
 * requires that too.
 */
export function isMet(
  condition: string | boolean | undefined,
  { contexts, succeeding }: { readonly contexts: Values; readonly succeeding: boolean },
): boolean {
  const expression = String(condition ?? 'success()').replace(/^\$\{\{(.*)\}\}$/s, '$1');
  const asksStatus = /\b(?:always|success|failure|cancelled)\s*\(/.test(expression);
  const value = evaluate(expression, contexts, succeeding);
  return (asksStatus || succeeding) && !['', '0', 'false'].includes(value.coerceString());
}

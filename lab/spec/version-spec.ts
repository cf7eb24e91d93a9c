import { err, ok, type Result } from '../core/lab-error.ts';

/** The meaning of a version text; see `VersionText` in scenario.ts for the possible forms. */
export type VersionSpec =
  | { readonly kind: 'default' }
  | { readonly kind: 'version'; readonly version: string; readonly source?: RemoteSource }
  | { readonly kind: 'suite'; readonly suite: string }
  | { readonly kind: 'local'; readonly path: string };

export type RemoteSource = (typeof REMOTE_SOURCES)[number];
const REMOTE_SOURCES = ['release', 'gomod', 'debian'] as const;

const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?$/;
const SUITE = /^[a-z][a-z-]*$/;

/** The error has what was wanted, and how to write what was probably meant. */
export function parseVersionSpec(text: string): Result<VersionSpec, string> {
  if (text === 'default') return ok({ kind: 'default' });
  const colon = text.indexOf(':');
  if (colon < 0) return parseExact(text);
  const word = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (word === 'local') {
    return rest === '' ? err('wanted a path after "local:"') : ok({ kind: 'local', path: rest });
  }
  const source = REMOTE_SOURCES.find((known) => known === word);
  if (source === undefined) {
    return err(`a version comes from ${REMOTE_SOURCES.join(', ')} or local; got "${word}"`);
  }
  if (source === 'debian' && SUITE.test(rest)) return ok({ kind: 'suite', suite: rest });
  const exact = parseExact(rest);
  return exact.ok && exact.value.kind === 'version' ? ok({ ...exact.value, source }) : exact;
}

function parseExact(text: string): Result<VersionSpec, string> {
  if (VERSION.test(text)) return ok({ kind: 'version', version: text });
  if (text.startsWith('v') && VERSION.test(text.slice(1))) {
    return err(`a version has no "v" before it: write "${text.slice(1)}"; got "${text}"`);
  }
  if (/^\d+(\.\d+)?$/.test(text)) {
    const whole = text.includes('.') ? `${text}.0` : `${text}.0.0`;
    return err(`wanted a whole version such as "${whole}"; got "${text}"`);
  }
  return err(
    `wanted a version such as 1.6.3, gomod:1.6.3, debian:bookworm, local:../build/bin or default; got "${text}"`,
  );
}

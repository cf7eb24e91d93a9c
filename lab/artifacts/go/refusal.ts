import type { Refusal } from '../recipe.ts';

/** What `go` says when it does not do a thing, sorted by what follows from it. `asked` is module@version or a build. */
export function refusalFromGo(asked: string, output: string): Refusal {
  const source = 'gomod' as const;
  const newer = /requires go >= ([\d.]+(?:rc\d+)?) \(running go ([\d.]+)/.exec(output);
  if (newer !== null) {
    return {
      source,
      reason: 'not-here',
      why: `${asked} needs Go ${newer[1]} or later, this machine has ${newer[2]}`,
      wayOut: `install Go ${newer[1]} or later`,
    };
  }
  const lines = output.split('\n').map((line) => line.trim());
  const last = lines.filter((line) => line !== '' && !/^(go: (downloading|finding|added) |# )/.test(line));
  const said = last.slice(-3).join('; ') || 'go said nothing';
  const why = said.startsWith(asked) ? said : `${asked}: ${said}`;
  if (
    /lookup disabled by GOPROXY=off|GOPROXY list is not the empty string, but contains no entries/.test(
      output,
    )
  ) {
    return {
      source,
      reason: 'unreachable',
      why: `${asked} is not in the lab's module cache, and --offline forbids to fetch it`,
    };
  }
  if (/checksum mismatch|SECURITY ERROR/.test(output)) return { source, reason: 'broken', why };
  if (/unknown revision|invalid version|404 Not Found|410 Gone|version is not available/.test(output)) {
    return { source, reason: 'not-there', why };
  }
  if (
    /dial tcp|i\/o timeout|no such host|connection (refused|reset)|TLS handshake|proxyconnect|EOF$/m.test(
      output,
    )
  ) {
    return { source, reason: 'unreachable', why };
  }
  return { source, reason: 'broken', why };
}

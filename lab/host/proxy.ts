type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a URL, by curl's rules: the lower-case name first, HTTP_PROXY in capitals too
 * (nobody runs the lab as a CGI script), NO_PROXY as a list of hosts and domains, `*` for all.
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  const named = pick(env, `${scheme}_proxy`) ?? pick(env, 'all_proxy');
  if (named === undefined || isExempt(url.hostname, pick(env, 'no_proxy') ?? '')) return undefined;
  const text = named.includes('://') ? named : `http://${named}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

const pick = (env: Env, name: string): string | undefined =>
  env[name] || env[name.toUpperCase()] || undefined;

function isExempt(host: string, noProxy: string): boolean {
  return noProxy
    .split(',')
    .map((entry) => entry.trim().replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
}

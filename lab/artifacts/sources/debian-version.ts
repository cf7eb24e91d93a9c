/**
 * Upstream's version in a Debian one: `1:1.6.20~ds1-1+deb12u1` is 1.6.20, `1.0.0~rc93+ds1-5` is 1.0.0-rc93. Off go the
 * epoch, the Debian revision, and the mark of a source that Debian has repacked (ds, dfsg).
 */
export function upstreamVersion(debianVersion: string): string {
  return debianVersion
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[~+](?:ds|dfsg)[\d.]*.*$/, '')
    .replace(/~(?=rc|beta|alpha)/, '-');
}

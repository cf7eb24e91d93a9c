/**
 * Runs a command as the owner of the tests' cache and of this checkout, because other users may not be able to read
 * them. It has none of root's privileges.
 */
export const UNPRIVILEGED = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--'] as const;

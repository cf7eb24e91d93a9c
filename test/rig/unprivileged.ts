/**
 * Runs a command as the owner of the tests' cache and of this checkout, which other users may not even read, with nothing
 * of what root may do beyond what any user may.
 */
export const UNPRIVILEGED = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--'] as const;

/** Releases of containerd that only a few runs need. From an empty cache, each of them is a build. */
const RARE = ['1.6.5', '1.6.8', '1.6.9', '1.6.36', '1.6.37', '1.7.22', '1.7.23', '2.0.0', '2.0.1'];

/** Whether the runs on those are left out. `npm test` wants that, and CI with an empty cache. */
export const WITHOUT_RARE_RELEASES = process.env['CNILAB_TEST_RELEASES'] === 'common';

/**
 * Whether other versions of Kubernetes than that of the scenarios are tried, which are builds of 10 minutes, and a
 * cluster of virtual machines, which takes both processors for more than four minutes where they are emulated.
 */
export const WITH_LONG_CLUSTERS = process.env['CNILAB_TEST_RELEASES'] === 'all';
export const OTHER_KUBERNETES = ['1.23.17', '1.37.2'];

/** The flags of `run`, `fetch` and `parity` that leave those runs out. */
export const RELEASE_FLAGS: readonly string[] = WITHOUT_RARE_RELEASES
  ? ['--grep-invert', `containerd=(${RARE.join('|').replaceAll('.', String.raw`\.`)})(?![\\w.])`]
  : [];

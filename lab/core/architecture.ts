/** Processors that nodes run on, as Go, OCI and release files name them. */
export const ARCHS = ['amd64', 'arm64'] as const;
export type Arch = (typeof ARCHS)[number];

/** The names of the images on every node. No registry serves them: the lab makes them and imports them. */
export const SANDBOX_IMAGE = 'cnilab.local/pause:1';
export const APP_IMAGE = 'cnilab.local/app:1';

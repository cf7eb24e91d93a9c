import { LabError } from '../../core/lab-error.ts';
import type { PackImage } from './images.ts';

export const packImage: PackImage = async ({ name }) => {
  throw new LabError(`${name} cannot be packed yet`);
};

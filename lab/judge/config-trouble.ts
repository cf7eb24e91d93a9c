/**
 * The line with which the runtime said why it has no CNI configuration, where that is what a failure comes from: it says so
 * once, when it reads the file, and later only that there is none.
 */
export function configTrouble(told: string, log: string): readonly string[] {
  if (!told.includes('cni plugin not initialized')) return [];
  return log
    .split('\n')
    .filter((line) => line.includes('cni config load failed'))
    .slice(-1);
}

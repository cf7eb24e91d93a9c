import type { ComponentRef } from '../../core/components.ts';

/** Runs builds, some of them at once, in an order that keeps all cores busy. */
export interface BuildQueue {
  run<T>(ref: Pick<ComponentRef, 'component' | 'version'>, build: () => Promise<T>): Promise<T>;
}

const GIB = 1024 ** 3;

export interface BuildHost {
  readonly cores: number;
  /** asked when the first build is wanted */
  readonly freeMemoryBytes: () => number;
}

/**
 * How many builds a host can run at once. One build alone leaves cores idle while it downloads, and while it links. Each
 * build starts as many compilers as there are cores, and a compiler of these modules takes up to 600 MiB.
 */
export function buildsAtOnce({ cores, freeMemoryBytes }: BuildHost): number {
  const byCores = cores === 1 ? 1 : Math.min(4, Math.max(2, Math.floor(cores / 2)));
  const byMemory = Math.floor(freeMemoryBytes() / GIB / (1 + cores / 4));
  return Math.max(1, Math.min(byCores, byMemory));
}

interface Waiting {
  readonly family: string;
  readonly start: () => void;
}

/**
 * Versions with the same minor share most of what they consist of. The first of such a family compiles that for all of them
 * and takes several times as long. So the first ones are started before any others, and the others of a family wait for
 * its first one: two at once would both compile the same.
 */
export function createBuildQueue(atOnce: () => number): BuildQueue {
  const waiting: Waiting[] = [];
  const running: string[] = [];
  const compiled = new Set<string>();
  let most: number | undefined;

  const choices: readonly ((family: string) => boolean)[] = [
    (family) => !compiled.has(family) && !running.includes(family),
    (family) => compiled.has(family),
  ];

  function startNext(): void {
    most ??= atOnce();
    while (running.length < most) {
      const index = choices
        .map((may) => waiting.findIndex(({ family }) => may(family)))
        .find((found) => found >= 0);
      const [next] = index === undefined ? [] : waiting.splice(index, 1);
      if (next === undefined) return;
      running.push(next.family);
      next.start();
    }
  }

  return {
    async run({ component, version }, build) {
      const family = `${component} ${version.split('.').slice(0, 2).join('.')}`;
      await new Promise<void>((resolve) => {
        waiting.push({ family, start: resolve });
        // Those that are asked for together are all known before the first is chosen.
        setImmediate(startNext);
      });
      try {
        const built = await build();
        compiled.add(family);
        return built;
      } finally {
        running.splice(running.indexOf(family), 1);
        startNext();
      }
    },
  };
}

import { compare, valid } from 'semver';

import { BadInput } from '../core/lab-error.ts';
import { COMPONENTS, type ComponentName } from '../plan/components.ts';
import type { SourceFlags } from './flags.ts';
import { openArtifacts, readPins } from './lab-parts.ts';
import { EXIT, type World } from './world.ts';

/** `cnilab versions`: what each source has of each component, newest last; a source that cannot say says why. */
export async function versionsCommand(
  world: World,
  component: string | undefined,
  flags: SourceFlags & { readonly json?: true },
): Promise<number> {
  const pins = readPins(world);
  const artifacts = openArtifacts(world, { pins, flags, emit: () => {} });
  const { signal } = new AbortController(); // nothing is up, so Ctrl-C may end it as it ends any program
  const components = component === undefined ? COMPONENTS : [componentNamed(component)];
  const table = await Promise.all(
    components.map(async (name) => ({
      component: name,
      default: pins.components[name].default,
      sources: (await artifacts.versions(name, signal)).map(({ source, versions }) =>
        versions.ok ? { source, versions: sorted(versions.value) } : { source, why: versions.error.why },
      ),
    })),
  );
  if (flags.json === true) {
    world.out.write(`${JSON.stringify(table, null, 2)}\n`);
    return EXIT.pass;
  }
  for (const { component: name, default: chosen, sources } of table) {
    world.out.write(`${name} (default ${chosen})\n`);
    for (const { source, versions, why } of sources) {
      world.out.write(
        `  ${source.padEnd(8)} ${versions === undefined ? why : versions.join(' ') || 'none'}\n`,
      );
    }
  }
  return EXIT.pass;
}

function componentNamed(text: string): ComponentName {
  const found = COMPONENTS.find((name) => name === text);
  if (found === undefined)
    throw new BadInput(`there is no component ${JSON.stringify(text)}; there are ${COMPONENTS.join(', ')}`);
  return found;
}

const sorted = (versions: readonly string[]): readonly string[] =>
  [...versions].sort((a, b) => (valid(a) !== null && valid(b) !== null ? compare(a, b) : a.localeCompare(b)));

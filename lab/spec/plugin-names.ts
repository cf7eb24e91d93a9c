import { didYouMean } from './did-you-mean.ts';
import type { Spot } from './spot.ts';

/** Every plugin that some release of the standard ones has for Linux; which release has which is seen when it is there. */
export const STANDARD_PLUGINS = [
  'bandwidth',
  'bridge',
  'dhcp',
  'dummy',
  'firewall',
  'flannel',
  'host-device',
  'host-local',
  'ipvlan',
  'loopback',
  'macvlan',
  'portmap',
  'ptp',
  'sbr',
  'static',
  'tap',
  'tuning',
  'vlan',
  'vrf',
];

/**
 * Names of plugins in a file, held against what else it says once all of it was read. A name that is no standard plugin's
 * and that no configuration, script or command of the file mentions is spelt wrong: nothing would ever call it.
 */
export class PluginNames {
  readonly #mentioned = new Set<string>();
  readonly #named: { readonly name: string; readonly spot: Spot }[] = [];

  /** Takes note of the words of a text: types of a conflist, paths, programs. */
  mention(text: string): void {
    for (const [word] of text.matchAll(/[A-Za-z0-9][A-Za-z0-9_.-]*/g)) this.#mentioned.add(word);
  }

  name(name: string, spot: Spot): void {
    this.#named.push({ name, spot });
  }

  check(): void {
    for (const { name, spot } of this.#named) {
      if (STANDARD_PLUGINS.includes(name) || this.#mentioned.has(name)) continue;
      const meant = didYouMean(name, [...STANDARD_PLUGINS, ...this.#mentioned]);
      spot.mistake(
        `"${name}" is no standard plugin, and nothing in this file calls it${meant || '; name it in a conflist, or correct it'}`,
      );
    }
  }

  /** Among the words that the file mentions, a near one that is not this one. */
  nearest(name: string): string {
    return this.#mentioned.has(name) ? '' : didYouMean(name, [...this.#mentioned]);
  }
}

// The cost of a node on each backend that works here, compared with bare. Cold: the engine has no image, or no saved
// machine exists. Warm: it has. The artifacts are always in the cache of the lab.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { timed } from './measure.mjs';
import { newestSession, observed } from './recorded.mjs';
import { row } from './table.mjs';

/** One row for each figure of each backend. A backend that does not work here is one row with that information. */
export async function backendRows({ lab, cnilab, cwd, cacheHostPath, count }) {
  const forget = (what) => () => forgetSavedGuests(cacheHostPath, what);
  const nothing = () => undefined;
  const states = {
    container: { cold: forgetEngine, warm: nothing },
    // a saved guest that has booted serves any cell; one with the runtime started serves only the same preparation
    vm: { cold: forget('vm-saved-guest'), 'a cell not run before': forget('preparation'), warm: nothing },
  };
  const rows = [];
  for (const [backend, ways] of Object.entries(states)) {
    const one = async () => {
      const { wallMs } = await lab('incompatible-version', '--containerd', '1.6.3', '--backend', backend);
      const [{ nodeMs, runtimeMs }] = observed(newestSession(cwd)[0], 'node-ready');
      return { wallMs, nodeMs, readyMs: nodeMs + runtimeMs };
    };
    try {
      await timed([...cnilab, 'fetch', 'incompatible-version', '--backend', backend], { cwd });
    } catch (refused) {
      rows.push([`on ${backend}: ${String(refused.message).split('\n')[1] ?? ''}`, '', '', '', '']);
      continue;
    }
    for (const [state, bringAbout] of Object.entries(ways)) {
      const taken = [];
      for (let i = 0; i < (state === 'warm' ? count : 2); i++) {
        await bringAbout();
        taken.push(await one());
      }
      const figure = (name) => taken.map((figures) => figures[name]);
      rows.push(row(`one cell on ${backend}, ${state}`, figure('wallMs')));
      rows.push(row(`  its node, ready for commands`, figure('nodeMs')));
      rows.push(row(`  its node, containerd answering`, figure('readyMs')));
    }
  }
  return rows;
}

/** Brings the engine into the state before the lab used it. */
async function forgetEngine() {
  const docker = new Docker();
  for (const { Id, RepoTags } of await docker.listImages())
    if (RepoTags?.some((tag) => tag.includes('cnilab-node:')))
      await docker.getImage(Id).remove({ force: true });
  const { Volumes } = await docker.listVolumes();
  for (const { Name } of Volumes) if (Name.startsWith('cnilab-')) await docker.getVolume(Name).remove();
}

/** Each entry of the index of the cache is a JSON file with its request and its directory in artifacts/. */
function forgetSavedGuests(cacheHostPath, what) {
  const index = join(cacheHostPath, 'index');
  for (const name of readdirSync(index).filter((file) => file.endsWith('.json'))) {
    const entry = readFileSync(join(index, name), 'utf8');
    if (!entry.includes('vm-saved-guest') || !entry.includes(what)) continue;
    rmSync(join(index, name));
    rmSync(join(cacheHostPath, 'artifacts', JSON.parse(entry).artifact.key), {
      recursive: true,
      force: true,
    });
  }
}

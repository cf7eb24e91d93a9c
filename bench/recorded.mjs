import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** The runs of the newest session below a directory, each with its journal. */
export function newestSession(cwd) {
  const session = realpathSync(join(cwd, '.cnilab/latest')); // the link is changed by the next session
  return readdirSync(session, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const lines = readFileSync(join(session, name, 'journal.jsonl'), 'utf8')
        .trim()
        .split('\n');
      return { hostPath: join(session, name), journal: lines.map((line) => JSON.parse(line)) };
    });
}

export const observed = ({ journal }, kind) => journal.filter((entry) => entry.kind === kind);

/**
 * Where the programs and files of a recorded run are on this host, so that the shell script can use exactly the same
 * ones.
 */
export function partsOf(run, { cacheHostPath }) {
  const folder = (name, version) => {
    const artifact = observed(run, 'artifact').find(
      (one) => one.name === name && (version === undefined || one.version === version),
    );
    return artifact === undefined ? undefined : join(cacheHostPath, 'artifacts', artifact.key);
  };
  const conflists = readdirSync(join(run.hostPath, 'config/net.d'));
  const iptables = folder('iptables');
  return {
    containerd: join(folder('containerd'), 'bin'),
    runc: join(folder('runc'), 'bin'),
    crictl: join(folder('crictl'), 'bin'),
    oldPlugins: join(folder('cni-plugins', '0.9.1'), 'bin'),
    newPlugins: join(folder('cni-plugins', '1.1.1'), 'bin'),
    pauseTar: join(folder('pause-image'), 'pause.tar'),
    config: join(run.hostPath, 'config/config.toml'),
    conflist: join(run.hostPath, 'config/net.d', conflists[0]),
    layer: iptables === undefined ? [] : [join(iptables, 'usr')],
  };
}

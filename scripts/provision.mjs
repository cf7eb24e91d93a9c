#!/usr/bin/env node
// node scripts/provision.mjs [FLAGS of `cnilab up`] [-- COMMAND…]
// Provisions a node. With a command: runs it on the node and then ends the node, whatever the result; the exit code is
// that of the command. So `node scripts/provision.mjs --containerd 1.6.3 -- crictl info` provides containerd for the
// time of one command. Without a command: keeps the node, and prints how to enter and end it.
import { fileURLToPath } from 'node:url';
import { $ } from 'zx';

const cnilab = [process.execPath, fileURLToPath(new URL('../bin/cnilab.cjs', import.meta.url))];
const words = process.argv.slice(2);
const dashes = words.indexOf('--');
const flags = dashes === -1 ? words : words.slice(0, dashes);
const command = dashes === -1 ? [] : words.slice(dashes + 1);

$.nothrow = true;
$.stdio = 'inherit';

if (command.length === 0) {
  process.exitCode = (await $`${cnilab} up ${flags}`).exitCode;
} else {
  // Ctrl-C also reaches the command, which ends. The node is then ended in the usual way.
  process.on('SIGINT', () => {});
  const quietly = $({ stdio: ['inherit', 'ignore', 'inherit'] });
  const name = `provision-${process.pid}`;
  const up = await quietly`${cnilab} up --name ${name} ${flags}`;
  process.exitCode = up.exitCode;
  if (up.exitCode === 0) {
    process.exitCode = (await $`${cnilab} enter ${name} ${command}`).exitCode;
    await quietly`${cnilab} down ${name}`;
  }
}

#!/usr/bin/env node
// npm run critest -- [--containerd VERSION,…] [--backend NAME] [--focus REGEXP]… [--skip REGEXP]… [--help]
// Runs the conformance tests of CRI (critest of cri-tools) against containerd on a node of the lab. Exit codes are
// those of cnilab.
import { withScript } from './typescript.mjs';

process.exitCode = await withScript('critest/main.ts', ({ main }) => main(process.argv.slice(2)));

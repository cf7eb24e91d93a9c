#!/usr/bin/env node
// npm run critest -- [--containerd VERSION,…] [--backend NAME] [--focus REGEXP]… [--skip REGEXP]… [--help]
// The conformance tests of CRI (critest of cri-tools) against a containerd on a node of the lab. Exit codes are cnilab's.
import { withScript } from './typescript.mjs';

process.exitCode = await withScript('critest/main.ts', ({ main }) => main(process.argv.slice(2)));

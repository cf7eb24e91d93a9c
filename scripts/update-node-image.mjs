// node scripts/update-node-image.mjs
// Writes the newest digest of the base image of nodes into images/node/Dockerfile and images/kind-node/Dockerfile. It
// asks the container engine in DOCKER_HOST, which asks its registry.
import { readFileSync, writeFileSync } from 'node:fs';
import Docker from 'dockerode';

for (const path of ['images/node/Dockerfile', 'images/kind-node/Dockerfile']) {
  const file = new URL(`../${path}`, import.meta.url);
  const text = readFileSync(file, 'utf8');
  const [line, name, known] = /^ARG BASE=([^@\s]+)@(sha256:[0-9a-f]{64})$/m.exec(text) ?? [];
  if (line === undefined) throw new Error(`${path} has no line ARG BASE=IMAGE@DIGEST`);
  const { Descriptor } = await new Docker().getImage(name).distribution();
  if (!/^sha256:[0-9a-f]{64}$/.test(Descriptor.digest)) throw new Error(`no digest: ${Descriptor.digest}`);
  writeFileSync(file, text.replace(line, `ARG BASE=${name}@${Descriptor.digest}`));
  console.log(
    `${path}: ${Descriptor.digest === known ? 'nothing new' : `${name} is ${Descriptor.digest} now`}`,
  );
}

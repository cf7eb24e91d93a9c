import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { connectTo, refusalOf } from '../../../lab/nodes/backends/container/engine.ts';
import { volumeFolder } from '../../../lab/nodes/backends/container/volume.ts';
import { scratchFolder } from '../../rig/scratch.ts';

type Answers = Readonly<Record<string, readonly [status: number, body: object]>>;

/** Asks for the volume at an engine that answers like this. */
async function volumeOf(answers: Answers): Promise<string> {
  const socket = join(scratchFolder(), 'engine.sock');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://engine');
    const [status, body] = answers[`${request.method} ${pathname}`] ?? [404, { message: 'page not found' }];
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }).listen(socket);
  await once(server, 'listening');
  try {
    return await volumeFolder(await connectTo({ url: `unix://${socket}`, origin: 'the test' }));
  } finally {
    server.close();
  }
}

const THERE = { 'GET /volumes/cnilab-artifacts': [200, { Mountpoint: '/v/_data' }] } as const;

test('the volume is made, and where it is comes from the answer', async () => {
  expect(await volumeOf({ 'POST /volumes/create': [201, {}], ...THERE })).toBe('/v/_data');
});

test('one that another container or another lab has just made is used', async () => {
  const answers: Answers = {
    'POST /volumes/create': [500, { message: 'volume with name cnilab-artifacts already exists' }],
    ...THERE,
  };
  expect(await volumeOf(answers)).toBe('/v/_data');
});

test('if there is none, the error says why it could not be made', async () => {
  const thrown = await volumeOf({ 'POST /volumes/create': [500, { message: 'no space left' }] }).catch(
    refusalOf,
  );
  expect(thrown).toEqual({ status: 500, message: 'no space left' });
});

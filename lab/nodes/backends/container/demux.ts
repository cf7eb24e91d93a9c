import { PassThrough, type Readable } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * A container's two outputs out of the one stream that engines send: frames of a byte for the kind, three for nothing and
 * four for the length. https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
 */
export function demux(stream: Readable): { readonly stdout: Readable; readonly stderr: Readable } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let header = Buffer.alloc(0);
  let left = 0;
  let to = stdout;
  stream.on('data', (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0;) {
      if (left === 0) {
        const taken = rest.subarray(0, HEADER_BYTES - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < HEADER_BYTES) break;
        to = header[0] === STDERR ? stderr : stdout;
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      } else {
        const taken = rest.subarray(0, left);
        to.write(taken);
        left -= taken.length;
        rest = rest.subarray(taken.length);
      }
    }
  });
  const end = () => {
    stdout.end();
    stderr.end();
  };
  stream.once('end', end).once('close', end);
  stream.on('error', end); // why it broke is asked of the engine
  return { stdout, stderr };
}
